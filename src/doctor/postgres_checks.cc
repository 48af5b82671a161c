#include "doctor/postgres_checks.h"

#include <fmt/format.h>

#include <array>

#include "doctor/needed_rights.h"

namespace weir::doctor {
namespace {

/// Sessions that weir may want at once: with fewer left, runs are refused one and tried again.
constexpr int64_t wanted_sessions = 10;

/// What is looked at, and what was found so far.
class PostgresLook {
 public:
  PostgresLook(const Project& project, const DatabaseConfig& config, const server::Options& options,
               server::Connection& server)
      : project_(project), config_(config), options_(options), server_(server) {}

  Result<Findings> look() {
    user_ = WEIR_TRY(server_.run("SELECT current_user")).text(0, 0);
    WEIR_TRY(look_at_ledger());
    WEIR_TRY(look_at_secrecy());
    WEIR_TRY(look_at_writing());
    WEIR_TRY(look_at_temporary_tables());
    for (const NeededRights& needed : needed_rights(project_, config_.name)) {
      WEIR_TRY(look_at_table(needed));
    }
    WEIR_TRY(look_at_room());
    return std::move(findings_);
  }

 private:
  void add(Verdict verdict, std::string found, std::string fix) {
    findings_.push_back({{}, verdict, std::move(found), std::move(fix)});
  }
  std::string quoted_user() const { return server_.quote_identifier(user_); }

  /// What a table's name is in SQL.
  std::string named(const Table& table) const {
    const std::string name = server_.quote_identifier(table.name.value());
    return table.schema.empty() ? name : server_.quote_identifier(table.schema) + "." + name;
  }

  /// The rights on a relation that are missing, of those wanted: "INSERT, UPDATE". nullopt: there
  /// is no such relation.
  Result<std::optional<std::string>> missing_rights(const std::string& relation,
                                                    const std::vector<std::string>& wanted) {
    std::string asked;
    for (const std::string& right : wanted) {
      asked += fmt::format(", has_table_privilege(to_regclass($1), '{}')", right);
    }
    const server::Cell name = relation;
    const auto rows =
        WEIR_TRY(server_.run("SELECT to_regclass($1) IS NOT NULL" + asked, {&name, 1}));
    if (rows.text(0, 0) != "t") return std::nullopt;
    std::string missing;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (rows.text(0, i + 1) != "t") missing += (missing.empty() ? "" : ", ") + wanted[i];
    }
    return missing;
  }

  /// Something of that name is to be made in the schema, by its first load; empty: the user's own.
  Result<void> look_at_making(const std::string& what, const std::string& schema) {
    const std::string place = schema.empty() ? "current_schema()" : server_.quote_literal(schema);
    const auto rows = WEIR_TRY(server_.run(fmt::format(
        "SELECT {0}, to_regnamespace(quote_ident({0})) IS NOT NULL, "
        "CASE WHEN to_regnamespace(quote_ident({0})) IS NOT NULL THEN has_schema_privilege("
        "to_regnamespace(quote_ident({0})), 'CREATE') ELSE "
        "has_database_privilege(current_database(), 'CREATE') END, current_database()",
        place)));
    if (!rows.rows[0][0]) {
      add(Verdict::problem,
          fmt::format("{} is to be made, and no schema is in the search path of {}", what, user_),
          fmt::format("CREATE SCHEMA AUTHORIZATION {}", quoted_user()));
      return {};
    }
    if (rows.text(0, 2) == "t") return {};
    const std::string name = server_.quote_identifier(rows.text(0, 0));
    add(Verdict::problem,
        fmt::format("{} is to be made, and {} may not create it in schema {}", what, user_,
                    rows.text(0, 0)),
        rows.text(0, 1) == "t"
            ? fmt::format("GRANT USAGE, CREATE ON SCHEMA {} TO {}", name, quoted_user())
            : fmt::format("CREATE SCHEMA {} AUTHORIZATION {}", name, quoted_user()));
    return {};
  }

  Result<void> look_at_ledger() {
    const std::pair<std::string, std::vector<std::string>> tables[] = {
        {"weir_loads", {"SELECT", "INSERT"}},
        {"weir_rejects", {"SELECT", "INSERT", "UPDATE", "DELETE"}}};
    int64_t loads = -1;
    for (const auto& [table, wanted] : tables) {
      const auto missing = WEIR_TRY(missing_rights(table, wanted));
      if (!missing) {
        WEIR_TRY(look_at_making("the ledger's table " + table, ""));
      } else if (!missing->empty()) {
        add(Verdict::problem, fmt::format("{} lacks {} on {}", user_, *missing, table),
            fmt::format("GRANT {} ON {} TO {}", *missing, table, quoted_user()));
      } else if (table == "weir_loads") {
        loads = WEIR_TRY(server_.run("SELECT count(*) FROM weir_loads")).int64(0, 0);
      }
    }
    Finding first{{}, Verdict::ok, {}, {}};
    first.found = server_.version() + (loads < 0 ? ", no ledger yet: the first load makes it"
                                                 : fmt::format(", {} loads in its ledger", loads));
    findings_.insert(findings_.begin(), std::move(first));
    return {};
  }

  Result<void> look_at_secrecy() {
    const auto rows = WEIR_TRY(server_.run(
        "SELECT ssl, coalesce(version, ''), coalesce(inet_server_addr() <<= '127.0.0.0/8' OR "
        "inet_server_addr() = '::1', true) FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
    if (rows.size() == 0) return {};  // a pooler stands between: the session is its own
    const bool here = rows.text(0, 2) == "t";
    const bool encrypted = rows.text(0, 0) == "t";
    if (encrypted) findings_.front().found += ", " + rows.text(0, 1);
    if (here) return {};
    const std::string fix =
        "write ?sslmode=verify-full behind the URL, and sslrootcert where its "
        "authority is not one of the system's";
    using Tls = server::Options::Tls;
    if (!encrypted) {
      add(Verdict::warning, "the connection is not encrypted: whoever is on the way reads it", fix);
    } else if (options_.tls != Tls::verify_ca && options_.tls != Tls::verify_full) {
      add(Verdict::warning, "the connection is encrypted, but who answers is not verified", fix);
    }
    return {};
  }

  Result<void> look_at_writing() {
    const auto rows = WEIR_TRY(server_.run(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')"));
    if (rows.text(0, 0) == "t") {
      add(Verdict::problem, "the server is a standby: nothing can be loaded",
          "write the primary's address in the URL");
    } else if (rows.text(0, 1) == "on") {
      add(Verdict::problem, "transactions of this user are read-only",
          fmt::format("ALTER ROLE {} SET default_transaction_read_only = off", quoted_user()));
    }
    return {};
  }

  Result<void> look_at_temporary_tables() {
    const auto rows = WEIR_TRY(server_.run(
        "SELECT has_database_privilege(current_database(), 'TEMPORARY'), current_database()"));
    if (rows.text(0, 0) == "t") return {};
    add(Verdict::problem,
        user_ + " may not make temporary tables, through which rows are compared and changed",
        fmt::format("GRANT TEMPORARY ON DATABASE {} TO {}",
                    server_.quote_identifier(rows.text(0, 1)), quoted_user()));
    return {};
  }

  Result<void> look_at_table(const NeededRights& needed) {
    std::vector<std::string> wanted = {"SELECT"};
    if (needed.insert) wanted.emplace_back("INSERT");
    if (needed.update) wanted.emplace_back("UPDATE");
    if (needed.remove) wanted.emplace_back("DELETE");
    const Table& table = *needed.table;
    if (!table.schema.empty() && !WEIR_TRY(may_use(table.schema))) return {};
    const auto missing = WEIR_TRY(missing_rights(named(table), wanted));
    if (!missing) return look_at_making("table '" + table.name.value() + "'", table.schema);
    if (!missing->empty()) {
      add(Verdict::problem,
          fmt::format("{} lacks {} on table '{}'", user_, *missing, table.name.value()),
          fmt::format("GRANT {} ON {} TO {}", *missing, named(table), quoted_user()));
      return {};
    }
    const server::Cell name = named(table);
    const auto guarded =
        WEIR_TRY(server_.run("SELECT row_security_active(to_regclass($1)::oid)", {&name, 1}));
    if (needed.insert && guarded.text(0, 0) == "t") {
      add(Verdict::problem,
          fmt::format("row-level security is on for table '{}': Postgres takes no COPY into it",
                      table.name.value()),
          fmt::format("ALTER ROLE {} BYPASSRLS, or let it own the table", quoted_user()));
    }
    return {};
  }

  /// False: the schema is there, and closed to the user, which is told.
  Result<bool> may_use(const std::string& schema) {
    const server::Cell name = server_.quote_identifier(schema);
    const auto rows = WEIR_TRY(server_.run(
        "SELECT coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'USAGE'), true)",
        {&name, 1}));
    if (rows.text(0, 0) == "t") return true;
    add(Verdict::problem, fmt::format("{} may not use schema {}", user_, schema),
        fmt::format("GRANT USAGE ON SCHEMA {} TO {}", *name, quoted_user()));
    return false;
  }

  Result<void> look_at_room() {
    const auto rows = WEIR_TRY(server_.run(
        "WITH others AS (SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()) SELECT "
        "current_setting('max_connections')::int - "
        "current_setting('superuser_reserved_connections')::int - "
        "(SELECT count(*) FROM others WHERE backend_type = 'client backend'), "
        "(SELECT CASE WHEN rolconnlimit >= 0 THEN rolconnlimit - (SELECT count(*) FROM others "
        "WHERE "
        "usename = current_user) END FROM pg_roles WHERE rolname = current_user), "
        "(SELECT CASE WHEN datconnlimit >= 0 THEN datconnlimit - (SELECT count(*) FROM others "
        "WHERE "
        "datname = current_database()) END FROM pg_database WHERE datname = current_database())"));
    static constexpr std::array<const char*, 3> fixes = {
        "raise max_connections, or give the database `max_runs` in the project file",
        "raise it with ALTER ROLE … CONNECTION LIMIT, or give it `max_runs`",
        "raise it with ALTER DATABASE … CONNECTION LIMIT, or give it `max_runs`"};
    static constexpr std::array<const char*, 3> whose = {"the server", "the role", "the database"};
    for (size_t i = 0; i < fixes.size(); ++i) {
      if (!rows.rows[0][i] || rows.int64(0, i) >= wanted_sessions) continue;
      add(Verdict::warning,
          fmt::format("{} has room for {} more sessions", whose[i], rows.int64(0, i)), fixes[i]);
    }
    return {};
  }

  const Project& project_;
  const DatabaseConfig& config_;
  const server::Options& options_;
  server::Connection& server_;
  std::string user_;
  Findings findings_;
};

}  // namespace

Result<Findings> look_at_postgres(const Project& project, const DatabaseConfig& config,
                                  const server::Options& options, server::Connection& server) {
  return PostgresLook(project, config, options, server).look();
}

}  // namespace weir::doctor
