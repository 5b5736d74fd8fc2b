"""A Django project whose cache and sessions are in nearcache."""
