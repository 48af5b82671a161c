#include "duckdb/connection.h"

#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

duckdb_result* as_result(void* native) { return static_cast<duckdb_result*>(native); }
duckdb_prepared_statement as_statement(void* native) {
  return static_cast<duckdb_prepared_statement>(native);
}
duckdb_connection as_connection(void* native) { return static_cast<duckdb_connection>(native); }
duckdb_appender as_appender(void* native) { return static_cast<duckdb_appender>(native); }

duckdb_state bind_one(duckdb_prepared_statement statement, idx_t index,
                      const Parameter& parameter) {
  struct Binder {
    duckdb_prepared_statement statement;
    idx_t index;
    duckdb_state operator()(std::monostate) const { return duckdb_bind_null(statement, index); }
    duckdb_state operator()(bool v) const { return duckdb_bind_boolean(statement, index, v); }
    duckdb_state operator()(int64_t v) const { return duckdb_bind_int64(statement, index, v); }
    duckdb_state operator()(double v) const { return duckdb_bind_double(statement, index, v); }
    duckdb_state operator()(const std::string& v) const {
      return duckdb_bind_varchar_length(statement, index, v.data(), v.size());
    }
    duckdb_state operator()(DateValue v) const {
      return duckdb_bind_date(statement, index, duckdb_date{v.days});
    }
    duckdb_state operator()(TimestampValue v) const {
      return duckdb_bind_timestamp_tz(statement, index, duckdb_timestamp{v.micros});
    }
  };
  return std::visit(Binder{statement, index}, parameter);
}

duckdb_state append(duckdb_appender appender, const Parameter& parameter) {
  struct Writer {
    duckdb_appender appender;
    duckdb_state operator()(std::monostate) const { return duckdb_append_null(appender); }
    duckdb_state operator()(bool v) const { return duckdb_append_bool(appender, v); }
    duckdb_state operator()(int64_t v) const { return duckdb_append_int64(appender, v); }
    duckdb_state operator()(double v) const { return duckdb_append_double(appender, v); }
    duckdb_state operator()(const std::string& v) const {
      return duckdb_append_varchar_length(appender, v.data(), v.size());
    }
    duckdb_state operator()(DateValue v) const {
      return duckdb_append_date(appender, duckdb_date{v.days});
    }
    duckdb_state operator()(TimestampValue v) const {
      return duckdb_append_timestamp(appender, duckdb_timestamp{v.micros});
    }
  };
  return std::visit(Writer{appender}, parameter);
}

std::optional<std::string> cell_text(duckdb_vector vector, uint64_t* validity, idx_t row) {
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return std::nullopt;
  auto* strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return std::string(duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row]));
}

/// A result that destroys itself.
struct ScopedResult {
  duckdb_result result{};
  ~ScopedResult() { duckdb_destroy_result(&result); }
};

}  // namespace

Rows::Rows(void* native_result) : result_(native_result) {}
Rows::~Rows() {
  if (result_ == nullptr) return;
  duckdb_destroy_result(as_result(result_));
  delete as_result(result_);
}
Rows::Rows(Rows&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
Rows& Rows::operator=(Rows&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}

size_t Rows::size() const { return duckdb_row_count(as_result(result_)); }
size_t Rows::column_count() const { return duckdb_column_count(as_result(result_)); }
std::string Rows::column_name(size_t column) const {
  return duckdb_column_name(as_result(result_), column);
}
bool Rows::is_null(size_t row, size_t column) const {
  return duckdb_value_is_null(as_result(result_), column, row);
}
int64_t Rows::int64(size_t row, size_t column) const {
  return duckdb_value_int64(as_result(result_), column, row);
}
std::string Rows::text(size_t row, size_t column) const {
  const duckdb_string value = duckdb_value_string(as_result(result_), column, row);
  if (value.data == nullptr) return {};
  std::string out(value.data, value.size);
  duckdb_free(value.data);
  return out;
}
int64_t Rows::changed() const {
  return static_cast<int64_t>(duckdb_rows_changed(as_result(result_)));
}

Statement::Statement(void* native, std::string sql) : native_(native), sql_(std::move(sql)) {}
Statement::~Statement() {
  duckdb_prepared_statement statement = as_statement(native_);
  duckdb_destroy_prepare(&statement);
}

Result<void> Statement::bind(std::span<const Parameter> parameters) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (bind_one(as_statement(native_), i + 1, parameters[i]) != DuckDBSuccess) {
      return fail(ErrorCode::internal, "cannot bind a parameter of: " + sql_);
    }
  }
  return {};
}

Result<void> Statement::start_streaming(void* native_result) {
  duckdb_pending_result pending = nullptr;
  const duckdb_state made = duckdb_pending_prepared_streaming(as_statement(native_), &pending);
  const duckdb_state state = made == DuckDBSuccess
                                 ? duckdb_execute_pending(pending, as_result(native_result))
                                 : DuckDBError;
  std::optional<Error> failed;
  if (state != DuckDBSuccess) {
    // Which of the two knows depends on how far it came; either may be null.
    const char* message = duckdb_pending_error(pending);
    if (message == nullptr) message = duckdb_result_error(as_result(native_result));
    failed = make_error(message);
  }
  duckdb_destroy_pending(&pending);
  if (failed) return fail(*std::move(failed));
  return {};
}

Result<Rows> Statement::run(std::span<const Parameter> parameters) {
  WEIR_TRY(bind(parameters));
  auto result = std::make_unique<duckdb_result>();
  const duckdb_state state = duckdb_execute_prepared(as_statement(native_), result.get());
  Rows rows(result.release());
  return rows.finish(state == DuckDBSuccess);
}

size_t Statement::parameter_index(const std::string& name) const {
  idx_t index = 0;
  if (duckdb_bind_parameter_index(as_statement(native_), &index, name.c_str()) != DuckDBSuccess) {
    return 0;
  }
  return index;
}
size_t Statement::parameter_count() const { return duckdb_nparams(as_statement(native_)); }

Appender::Appender(void* native) : native_(native) {}
Appender::~Appender() {
  duckdb_appender appender = as_appender(native_);
  duckdb_appender_destroy(&appender);
}

Result<void> Appender::row(std::span<const Parameter> values) {
  // DuckDB would gather a hundred times as many, in memory that its limit does not count.
  constexpr size_t most_unflushed = 2048;
  int state = DuckDBSuccess;
  for (const Parameter& value : values) {
    if (state == DuckDBSuccess) state = append(as_appender(native_), value);
  }
  WEIR_TRY(checked(state));
  WEIR_TRY(checked(duckdb_appender_end_row(as_appender(native_))));
  if (++unflushed_ < most_unflushed) return {};
  unflushed_ = 0;
  return checked(duckdb_appender_flush(as_appender(native_)));
}

Result<void> Appender::close() { return checked(duckdb_appender_close(as_appender(native_))); }

Result<void> Appender::checked(int state) {
  if (state == DuckDBSuccess) return {};
  return fail(make_error(duckdb_appender_error(as_appender(native_))));
}

Connection::Connection(void* native) : native_(native) {}
Connection::~Connection() {
  duckdb_connection connection = as_connection(native_);
  duckdb_disconnect(&connection);
}

Result<Rows> Connection::run(const std::string& sql, std::span<const Parameter> parameters) {
  if (!parameters.empty()) return WEIR_TRY(prepare(sql))->run(parameters);
  auto result = std::make_unique<duckdb_result>();
  const duckdb_state state = duckdb_query(as_connection(native_), sql.c_str(), result.get());
  Rows rows(result.release());
  return rows.finish(state == DuckDBSuccess);
}

Result<Rows> Rows::finish(bool succeeded) {
  if (succeeded) return std::move(*this);
  return fail(make_error(duckdb_result_error(as_result(result_))));
}

Result<std::unique_ptr<Statement>> Connection::prepare(const std::string& sql) {
  duckdb_prepared_statement native = nullptr;
  const duckdb_state state = duckdb_prepare(as_connection(native_), sql.c_str(), &native);
  auto statement = std::make_unique<Statement>(native, sql);
  if (state != DuckDBSuccess) return fail(make_error(duckdb_prepare_error(native)));
  return statement;
}

Result<std::unique_ptr<Appender>> Connection::appender(const std::string& catalog,
                                                       const std::string& schema,
                                                       const std::string& table) {
  duckdb_appender native = nullptr;
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  const duckdb_state state = duckdb_appender_create_ext(
      as_connection(native_), text_or_null(catalog), text_or_null(schema), table.c_str(), &native);
  auto appender = std::make_unique<Appender>(native);
  if (state != DuckDBSuccess) return fail(make_error(duckdb_appender_error(native)));
  return appender;
}

Result<std::vector<ResultColumn>> Connection::describe(const std::string& select) {
  // A second statement must not run.
  const std::string sql = "DESCRIBE " + select;
  duckdb_extracted_statements extracted = nullptr;
  const idx_t count = duckdb_extract_statements(as_connection(native_), sql.c_str(), &extracted);
  duckdb_destroy_extracted(&extracted);
  if (count > 1) return fail(ErrorCode::sql, "the text holds more than one statement");
  const Rows rows = WEIR_TRY(run(sql));
  std::vector<ResultColumn> columns;
  for (size_t i = 0; i < rows.size(); ++i) columns.push_back({rows.text(i, 0), rows.text(i, 1)});
  return columns;
}

Result<void> Connection::stream(const std::string& select, const RowSink& sink) {
  const std::vector<ResultColumn> columns = WEIR_TRY(describe(select));
  // Line breaks: the statement may end in a comment.
  const auto statement = WEIR_TRY(
      prepare("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n" + select + "\n) AS weir_rows"));
  if (sink.columns) sink.columns(columns);

  ScopedResult scoped;
  WEIR_TRY(statement->start_streaming(&scoped.result));
  std::vector<std::optional<std::string>> cells(columns.size());
  while (true) {
    duckdb_data_chunk chunk = duckdb_fetch_chunk(scoped.result);
    if (chunk == nullptr) break;
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    bool go_on = true;
    for (idx_t row = 0; row < rows && go_on; ++row) {
      for (size_t column = 0; column < cells.size(); ++column) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
        cells[column] = cell_text(vector, duckdb_vector_get_validity(vector), row);
      }
      go_on = sink.row(cells);
    }
    duckdb_destroy_data_chunk(&chunk);
    if (!go_on) return {};
  }
  if (const char* error = duckdb_result_error(&scoped.result); error != nullptr) {
    return fail(make_error(error));
  }
  return {};
}

void Connection::interrupt() { duckdb_interrupt(as_connection(native_)); }

Result<Transaction> Transaction::begin(Connection& connection, Access access) {
  WEIR_TRY(connection.run(access == Access::read_only ? "BEGIN TRANSACTION READ ONLY"
                                                      : "BEGIN TRANSACTION"));
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() { rollback(); }

Result<void> Transaction::commit() {
  Connection* connection = std::exchange(connection_, nullptr);
  const auto committed = connection->run("COMMIT");
  if (committed) return {};
  const auto rolled_back = connection->run("ROLLBACK");
  static_cast<void>(rolled_back);  // a failed COMMIT has rolled back already
  return fail(committed.error());
}

void Transaction::rollback() {
  if (Connection* connection = std::exchange(connection_, nullptr); connection != nullptr) {
    const auto done = connection->run("ROLLBACK");
    static_cast<void>(done);  // nothing is left to undo when it fails
  }
}

}  // namespace weir::duckdb
