"""Rows as files: JSON lines, CSV, XLSX, Parquet; a piece at a time, so that memory stays flat."""
