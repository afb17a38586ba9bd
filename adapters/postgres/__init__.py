"""PostgreSQL: transactions, rows, reading, schema, and an embedded server."""
