#include "doctor/mysql_checks.h"

#include <fmt/format.h>

#include "doctor/needed_rights.h"
#include "mysql/types.h"

namespace weir::doctor {
namespace {

/// Sessions that weir may want at once: with fewer left, runs are refused one and tried again.
constexpr int64_t wanted_sessions = 10;
/// The SQLSTATE of a right that is missing.
constexpr std::string_view access_denied = "42000";

/// What is looked at, and what was found so far.
class MysqlLook {
 public:
  MysqlLook(const Project& project, const DatabaseConfig& config, const server::Options& options,
            server::Connection& server)
      : project_(project), config_(config), options_(options), server_(server) {}

  Result<Findings> look() {
    const auto who = WEIR_TRY(server_.run("SELECT current_user(), database()"));
    set_user(who.text(0, 0));
    database_ = who.text(0, 1);
    WEIR_TRY(look_at_ledger());
    WEIR_TRY(look_at_secrecy());
    WEIR_TRY(look_at_settings());
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

  /// "weir@%" is 'weir'@'%' in a statement.
  void set_user(const std::string& name) {
    const size_t at = name.rfind('@');
    user_ = name;
    quoted_user_ = server_.quote_literal(name.substr(0, at)) + "@" +
                   server_.quote_literal(at == std::string::npos ? "%" : name.substr(at + 1));
  }

  /// Empty: the session's own.
  const std::string& schema_name(const std::string& schema) const {
    return schema.empty() ? database_ : schema;
  }
  std::string quoted_schema(const std::string& schema) const {
    return server_.quote_identifier(schema_name(schema));
  }
  std::string named(const Table& table) const {
    return quoted_schema(table.schema) + "." + server_.quote_identifier(table.name.value());
  }

  /// What of the statements the user may not do, "INSERT, UPDATE". They touch no row. Rights are
  /// looked at first; what else is wrong with a statement (a column without default) is no matter.
  Result<std::string> denied(const std::string& table, const std::string& column,
                             const NeededRights& needed) {
    const std::pair<std::string, std::string> tries[] = {
        {"SELECT", fmt::format("SELECT 1 FROM {} LIMIT 0", table)},
        {needed.insert ? "INSERT" : "",
         fmt::format("INSERT INTO {0} ({1}) SELECT {1} FROM {0} WHERE FALSE", table, column)},
        {needed.update ? "UPDATE" : "",
         fmt::format("UPDATE {0} SET {1} = {1} WHERE FALSE", table, column)},
        {needed.remove ? "DELETE" : "", fmt::format("DELETE FROM {} WHERE FALSE", table)},
    };
    std::string missing;
    WEIR_TRY(server_.begin());
    for (const auto& [right, statement] : tries) {
      if (right.empty() || server_.run(statement)) continue;
      if (server_.refusal().state != access_denied) continue;
      missing += (missing.empty() ? "" : ", ") + right;
    }
    server_.rollback();
    return missing;
  }

  Result<bool> is_there(const std::string& schema, const std::string& table) {
    const server::Cell names[] = {schema_name(schema), table};
    const auto rows =
        WEIR_TRY(server_.run("SELECT count(*) FROM information_schema.tables WHERE table_schema = "
                             "$1 AND table_name = $2",
                             names));
    return rows.int64(0, 0) > 0;
  }

  /// Something of that name is to be made by its first load.
  Result<void> look_at_making(const std::string& what, const std::string& schema) {
    const server::Cell name = schema_name(schema);
    const auto rows = WEIR_TRY(server_.run(
        "SELECT (SELECT count(*) FROM information_schema.user_privileges WHERE privilege_type = "
        "'CREATE' AND grantee = concat('''', replace(current_user(), '@', '''@'''), '''')) + "
        "(SELECT count(*) FROM information_schema.schema_privileges WHERE privilege_type = "
        "'CREATE' AND grantee = concat('''', replace(current_user(), '@', '''@'''), '''') AND "
        "$1 LIKE table_schema)",
        {&name, 1}));
    if (rows.int64(0, 0) > 0) return {};
    add(Verdict::problem, fmt::format("{} is to be made, and {} may not create it", what, user_),
        fmt::format("GRANT CREATE ON {}.* TO {}", quoted_schema(schema), quoted_user_));
    return {};
  }

  Result<void> look_at_ledger() {
    int64_t loads = -1;
    for (const std::string table : {"weir_loads", "weir_rejects"}) {
      if (!WEIR_TRY(is_there("", table))) {
        WEIR_TRY(look_at_making("the ledger's table " + table, ""));
        continue;
      }
      const bool rejects = table == "weir_rejects";
      const std::string missing =
          WEIR_TRY(denied(table, "run_id", {nullptr, true, rejects, rejects}));
      if (!missing.empty()) {
        add(Verdict::problem, fmt::format("{} lacks {} on {}", user_, missing, table),
            fmt::format("GRANT {} ON {}.{} TO {}", missing, quoted_schema({}), table,
                        quoted_user_));
      } else if (!rejects) {
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
    const auto rows = WEIR_TRY(server_.run("SHOW SESSION STATUS LIKE 'Ssl_version'"));
    const std::string version = rows.size() == 0 ? "" : rows.text(0, 1);
    if (!version.empty()) findings_.front().found += ", " + version;
    const std::string& host = options_.host;
    if (host.starts_with('/') || host == "localhost" || host.starts_with("127.") || host == "::1") {
      return {};
    }
    const std::string fix =
        "write ?sslmode=verify-full behind the URL, and sslrootcert where its "
        "authority is not one of the system's";
    using Tls = server::Options::Tls;
    if (version.empty()) {
      add(Verdict::warning, "the connection is not encrypted: whoever is on the way reads it", fix);
    } else if (options_.tls != Tls::verify_ca && options_.tls != Tls::verify_full) {
      add(Verdict::warning, "the connection is encrypted, but who answers is not verified", fix);
    }
    return {};
  }

  Result<void> look_at_settings() {
    const auto rows =
        WEIR_TRY(server_.run("SELECT @@global.read_only, @@global.local_infile, @@sql_mode"));
    if (rows.int64(0, 0) != 0) {
      add(Verdict::problem, "the server is read-only: nothing can be loaded",
          "write the primary's address in the URL, or SET GLOBAL read_only = OFF");
    }
    if (rows.int64(0, 1) == 0) {
      add(Verdict::warning,
          "local_infile is off: rows go by INSERT, which is slower than LOAD DATA",
          "SET GLOBAL local_infile = ON, and local_infile=1 in its configuration");
    }
    if (rows.text(0, 2).find("STRICT_") == std::string::npos) {
      add(Verdict::problem,
          "the session is not strict, although weir asks for it: a value that does "
          "not fit would be changed",
          "take out what resets sql_mode: init_connect, or a proxy");
    }
    return {};
  }

  Result<void> look_at_temporary_tables() {
    const auto made = server_.run("CREATE TEMPORARY TABLE weir_doctor_probe (probe INTEGER)");
    if (made) {
      WEIR_TRY(server_.run("DROP TEMPORARY TABLE weir_doctor_probe"));
      return {};
    }
    add(Verdict::problem,
        user_ + " may not make temporary tables, through which rows are compared and changed",
        fmt::format("GRANT CREATE TEMPORARY TABLES ON {}.* TO {}", quoted_schema({}),
                    quoted_user_));
    return {};
  }

  Result<void> look_at_table(const NeededRights& needed) {
    const Table& table = *needed.table;
    const std::string what = "table '" + table.name.value() + "'";
    if (!WEIR_TRY(is_there(table.schema, table.name.value()))) {
      return look_at_making(what, table.schema);
    }
    const std::string column = server_.quote_identifier(table.columns.front().name);
    const std::string missing = WEIR_TRY(denied(named(table), column, needed));
    if (!missing.empty()) {
      add(Verdict::problem, fmt::format("{} lacks {} on {}", user_, missing, what),
          fmt::format("GRANT {} ON {} TO {}", missing, named(table), quoted_user_));
    }
    const auto kept = WEIR_TRY(mysql::engine_of(server_, table.schema, table.name.value()));
    if (kept && !kept->name.empty() && !kept->transactional) {
      add(Verdict::problem,
          fmt::format("{} is kept by {}, which has no transactions: loads refuse it", what,
                      kept->name),
          fmt::format("ALTER TABLE {} ENGINE=InnoDB", named(table)));
    }
    return {};
  }

  Result<void> look_at_room() {
    const auto limits =
        WEIR_TRY(server_.run("SELECT @@global.max_connections, @@session.max_user_connections"));
    const auto open = WEIR_TRY(server_.run("SHOW GLOBAL STATUS LIKE 'Threads_connected'"));
    const int64_t room = limits.int64(0, 0) - (open.size() == 0 ? 0 : open.int64(0, 1));
    if (room < wanted_sessions) {
      add(Verdict::warning, fmt::format("the server has room for {} more sessions", room),
          "raise max_connections, or give the database `max_runs` in the project file");
    }
    const int64_t of_user = limits.int64(0, 1);
    if (of_user > 0 && of_user < wanted_sessions) {
      add(Verdict::warning, fmt::format("{} may have {} sessions at once", user_, of_user),
          "raise it with ALTER USER … WITH MAX_USER_CONNECTIONS, or give the database "
          "`max_runs`");
    }
    return {};
  }

  const Project& project_;
  const DatabaseConfig& config_;
  const server::Options& options_;
  server::Connection& server_;
  std::string user_;
  std::string quoted_user_;
  std::string database_;
  Findings findings_;
};

}  // namespace

Result<Findings> look_at_mysql(const Project& project, const DatabaseConfig& config,
                               const server::Options& options, server::Connection& server) {
  return MysqlLook(project, config, options, server).look();
}

}  // namespace weir::doctor
