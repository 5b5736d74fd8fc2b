# What makes modules/nearcache.so: cargo, every time, for it alone knows what has changed. The .la is what phpize's own
# rules look for: `make test` reads the module's name in it, `make install` leaves it behind.

NEARCACHE_CARGO = "$${CARGO_TARGET_DIR:-$(top_builddir)/cargo}"

$(phplibdir)/nearcache.la: nearcache-cargo
	@test -d $(phplibdir) || mkdir $(phplibdir)
	@cp $(NEARCACHE_CARGO)/release/libnearcache_php.so $(phplibdir)/nearcache.so.new
	@mv $(phplibdir)/nearcache.so.new $(phplibdir)/nearcache.so
	@echo "dlname='nearcache.so'" > $@

nearcache-cargo:
	cd $(NEARCACHE_SOURCE) && PHP_CONFIG=$(NEARCACHE_PHP_CONFIG) PHP=$(PHP_EXECUTABLE) \
		$(CARGO) build --release --locked --package nearcache-php --target-dir $(NEARCACHE_CARGO)

.PHONY: nearcache-cargo
