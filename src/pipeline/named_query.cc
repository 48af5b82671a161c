#include "pipeline/named_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "duckdb/sql_walk.h"
#include "pipeline/cell_table.h"
#include "pipeline/named_sql.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;
using duckdb::ResultColumn;

/// What `interrupt` may end. Of any session that can be interrupted.
template <class Session>
class AtWork {
 public:
  void interrupt() {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    if (session_ != nullptr) session_->interrupt();
  }
  /// Whether `interrupt` was called, in time or late.
  bool was_interrupted() {
    const std::lock_guard lock(mutex_);
    return interrupted_;
  }

  class Scope {
   public:
    Scope(AtWork& work, Session& session) : work_(work) { work_.set(&session); }
    ~Scope() { work_.set(nullptr); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    AtWork& work_;
  };

 private:
  void set(Session* session) {
    const std::lock_guard lock(mutex_);
    session_ = session;
  }

  std::mutex mutex_;
  Session* session_ = nullptr;  // guarded by mutex_, as is what follows
  bool interrupted_ = false;
};

/// COPY that writes the rows of `relation` under the names of `columns`.
std::string parquet_statement(const std::string& relation, const std::vector<ResultColumn>& columns,
                              const std::string& path) {
  std::string selected, names;
  for (size_t i = 0; i < columns.size(); ++i) {
    const char* comma = i == 0 ? "" : ", ";
    selected += fmt::format("{}c{} AS {}", comma, i, quote_identifier(columns[i].name));
    names += fmt::format("{}c{}", comma, i);
  }
  // The path leads to a file that has no folder: there can be no other beside it.
  return fmt::format(
      "COPY (SELECT {} FROM (\n{}\n) AS weir_rows({})) TO {} (FORMAT parquet, "
      "USE_TMP_FILE false)",
      selected, relation, names, duckdb::quote_literal(path));
}

Error not_a_query(const NamedQuery& query) {
  return {ErrorCode::sql, "the SQL of query '" + query.name + "' is not a query",
          "write a SELECT, without a semicolon", query.sql.location};
}

class DuckdbRun final : public NamedQueryRun {
 public:
  DuckdbRun(Databases& databases, const NamedQuery& query, const std::vector<std::string>& values)
      : databases_(databases), query_(query), values_(values.begin(), values.end()) {}

  Result<void> stream(const TextRows& to) override {
    return run([&](duckdb::Connection& connection, const NamedSql& sql,
                   const std::vector<ResultColumn>& columns) -> Result<void> {
      if (!to.columns(columns)) return {};
      WEIR_TRY(stream_as_text(connection, sql.text().sql(), values_, columns, TextStyle::exchange,
                              to.rows));
      return {};
    });
  }

  Result<void> write_parquet(const std::string& path) override {
    return run([&](duckdb::Connection& connection, const NamedSql& sql,
                   const std::vector<ResultColumn>& columns) -> Result<void> {
      WEIR_TRY(connection.run(parquet_statement(sql.text().sql(), columns, path), values_));
      return {};
    });
  }

  void interrupt() override { at_work_.interrupt(); }

 private:
  template <class Use>
  Result<void> run(Use use) {
    const NamedSql sql = WEIR_TRY(NamedSql::make(query_, Engine::duckdb));
    const auto database = WEIR_TRY(databases_.open_with_tables(query_.database));
    const auto connection = WEIR_TRY(database->connect());
    const AtWork<duckdb::Connection>::Scope scope(at_work_, *connection);
    auto done = use_in_transaction(*connection, sql, use);
    if (done) return {};
    if (done.error().code == ErrorCode::unavailable) databases_.lost(database);
    Error error = std::move(done).error();
    if (error.code == ErrorCode::sql && error.location.line == 0) {
      error.location = query_.sql.location;
    }
    return fail(std::move(error));
  }

  template <class Use>
  Result<void> use_in_transaction(duckdb::Connection& connection, const NamedSql& sql, Use use) {
    using Access = duckdb::Transaction::Access;
    const auto transaction = WEIR_TRY(duckdb::Transaction::begin(connection, Access::read_only));
    if (!duckdb::begins_like_a_query(sql.text().sql())) return fail(not_a_query(query_));
    const auto columns = WEIR_TRY(connection.describe(sql.without_parameters().sql()));
    WEIR_TRY(check_column_names(query_, columns));
    return use(connection, sql, columns);
  }

  Databases& databases_;
  const NamedQuery& query_;
  const std::vector<duckdb::Parameter> values_;
  AtWork<duckdb::Connection> at_work_;
};

class ServerRun final : public NamedQueryRun {
 public:
  ServerRun(const Project& project, Databases& databases, const NamedQuery& query, Engine engine,
            const std::vector<std::string>& values)
      : project_(project),
        databases_(databases),
        query_(query),
        engine_(engine),
        values_(values.begin(), values.end()) {}

  Result<void> stream(const TextRows& to) override {
    return run([&](server::Connection& session, const NamedSql& sql) -> Result<void> {
      Result<void> named;
      TextRows checked = to;
      checked.columns = [&](const std::vector<ResultColumn>& columns) {
        named = check_column_names(query_, columns);
        gave_up_ = !named || !to.columns(columns);
        return !gave_up_;
      };
      checked.rows = [&](const server::RowBatch& batch) {
        gave_up_ = !to.rows(batch);
        return !gave_up_;
      };
      const auto streamed =
          stream_as_text(session, sql.text().sql(), values_, TextStyle::exchange, checked);
      WEIR_TRY(std::move(named));
      WEIR_TRY(streamed);
      return {};
    });
  }

  Result<void> write_parquet(const std::string& path) override {
    const auto rows = WEIR_TRY(CellTable::open(spill_folder()));
    WEIR_TRY(run([&](server::Connection& session, const NamedSql& sql) {
      return fetch(session, sql, *rows);
    }));
    if (!rows->made()) return fail(not_a_query(query_));
    WEIR_TRY(rows->appender().close());
    const AtWork<duckdb::Connection>::Scope scope(writing_, rows->connection());
    const std::string all = fmt::format("SELECT * FROM {}", CellTable::name);
    WEIR_TRY(rows->connection().run(parquet_statement(all, rows->columns(), path)));
    return {};
  }

  void interrupt() override {
    at_work_.interrupt();
    writing_.interrupt();
  }

 private:
  template <class Use>
  Result<void> run(Use use) {
    const NamedSql sql = WEIR_TRY(NamedSql::make(query_, engine_));
    if (!duckdb::begins_like_a_query(sql.text().sql())) return fail(not_a_query(query_));
    auto session = WEIR_TRY(begin_session());
    Result<void> done;
    {
      const AtWork<server::Connection>::Scope scope(at_work_, *session);
      done = use(*session, sql);
      if (!done) done = fail(sql.text().explain(std::move(done).error(), session->refusal()));
    }
    session->rollback();
    // An interrupt that came late would end the next query.
    if (done && !at_work_.was_interrupted() && !gave_up_) {
      databases_.idle_connections().keep(query_.database, std::move(session));
    }
    return done;
  }

  /// In a transaction. One that was idle may have lost its server.
  Result<std::unique_ptr<server::Connection>> begin_session() {
    while (auto idle = databases_.idle_connections().take(query_.database)) {
      if (idle->begin_snapshot()) return idle;
    }
    auto session = WEIR_TRY(databases_.connect(query_.database));
    WEIR_TRY(session->begin_snapshot());
    return session;
  }

  Result<void> fetch(server::Connection& session, const NamedSql& sql, CellTable& into) {
    Result<void> taken;
    const auto go_on = [&] {
      if (taken) return true;
      gave_up_ = true;
      session.interrupt();  // or the rest would come, whether it is wanted or not
      return false;
    };
    const auto take_columns = [&](const std::vector<server::QueryColumn>& columns) {
      if (!columns.empty()) taken = into.make(columns);
      if (taken) taken = check_column_names(query_, into.columns());
      return go_on();
    };
    const auto take_row = [&](std::span<const server::Cell> cells) {
      taken = into.appender().row(cells);
      return go_on();
    };
    const auto streamed = session.stream(sql.text().sql(), values_, take_row, take_columns);
    WEIR_TRY(std::move(taken));
    return streamed;
  }

  /// DuckDBs that spill into one folder would take each other's files away.
  std::string spill_folder() const {
    static std::atomic<uint64_t> serial{0};
    return (project_.state_dir() / "spool" / fmt::format("answer_{}", ++serial)).string();
  }

  const Project& project_;
  Databases& databases_;
  const NamedQuery& query_;
  const Engine engine_;
  const std::vector<server::Cell> values_;
  bool gave_up_ = false;  // on the rest of the rows
  AtWork<server::Connection> at_work_;
  AtWork<duckdb::Connection> writing_;
};

}  // namespace

Result<void> check_column_names(const NamedQuery& query, const std::vector<ResultColumn>& columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto before = columns.begin() + static_cast<ptrdiff_t>(i);
    const bool twice = std::any_of(columns.begin(), before, [&](const ResultColumn& other) {
      return same_name(other.name, columns[i].name);
    });
    if (!twice) continue;
    return fail(ErrorCode::sql,
                fmt::format("query '{}' gives two columns '{}'", query.name, columns[i].name),
                "name them apart: … AS name", query.sql.location);
  }
  return {};
}

std::unique_ptr<NamedQueryRun> make_named_query_run(const Project& project, Databases& databases,
                                                    const NamedQuery& query,
                                                    const std::vector<std::string>& values) {
  const Engine engine = project.find_database(query.database)->engine;
  if (engine == Engine::duckdb) {
    return std::make_unique<DuckdbRun>(databases, query, values);
  }
  return std::make_unique<ServerRun>(project, databases, query, engine, values);
}

}  // namespace weir::pipeline
