"""Joins the benchmarks' results into one Markdown table.

    bench_table.py DIRECTORY

reads DIRECTORY/*.json and writes the table to standard output and DIRECTORY/summary.md. Each file is the result of one part's benchmark.
"""
