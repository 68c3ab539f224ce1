"""All SQL, and the functions that run it. Nothing outside this package imports psycopg."""
