"""Cases that do not run with their databases on a server, each with the reason."""

# What they are about is DuckDB's own.
NOT_ON_SERVERS: dict[str, str] = {
    'drift': "it counts on DuckDB's types and DDL; tests of drift on servers have their own",
    'drift_apply': "it counts on DuckDB's types and DDL; tests of drift on servers have their own",
    'drifted_target': 'it replaces a table by another with DuckDB\'s CREATE OR REPLACE TABLE',
}

# What they need is not built for servers yet: they must fail, and leave this list when they do not.
NOT_YET_ON_SERVERS: dict[str, str] = {
    'design_page': 'sql steps do not run on servers yet',
    'overlay': 'weir query does not ask servers yet',
    'plan': 'weir plan does not know servers yet',
    'plan_fails': 'weir plan does not know servers yet',
    'sql_step': 'sql steps do not run on servers yet',
}
