#include "pipeline/server_scratch.h"

#include "duckdb/batch_stream.h"

namespace weir::pipeline {

Result<SentRows> send_rows(duckdb::Connection& from, const std::string& select,
                           std::span<const duckdb::Parameter> parameters,
                           server::Connection& server, const std::string& schema,
                           const std::string& table, const std::vector<Column>& columns) {
  server::BulkTarget target{schema, table, {}};
  std::vector<DataType> types;
  for (const Column& column : columns) {
    target.columns.push_back({column.name, column.type});
    types.push_back(column.type);
  }
  const auto statement = WEIR_TRY(from.prepare(select));
  const auto rows = WEIR_TRY(duckdb::BatchStream::open(*statement, parameters, std::move(types)));
  const auto bulk = WEIR_TRY(server.bulk_load(target));
  SentRows sent;
  sent.way = bulk->way();
  for (auto batch = WEIR_TRY(rows->next()); batch.rows > 0; batch = WEIR_TRY(rows->next())) {
    sent.rows += batch.rows;
    WEIR_TRY(bulk->append(batch));
  }
  sent.taken = WEIR_TRY(bulk->finish());
  return sent;
}

Result<void> make_scratch(server::Connection& server, const ServerDialect& dialect,
                          const std::string& scratch, const std::string& like,
                          ServerDialect::Lifetime lifetime) {
  for (const std::string& statement :
       dialect.make_scratch(scratch, "*", "(" + like + ") l", lifetime)) {
    WEIR_TRY(server.run(statement));
  }
  return {};
}

Result<uint64_t> fill_scratch(duckdb::Connection& from, const std::string& select,
                              server::Connection& server, const ServerDialect& dialect,
                              const std::string& scratch, const std::vector<Column>& columns) {
  const SentRows sent = WEIR_TRY(send_rows(from, select, {}, server, "", scratch, columns));
  const std::string filled = dialect.filled_scratch(scratch);
  if (!filled.empty()) WEIR_TRY(server.run(filled));
  return sent.taken;
}

Result<uint64_t> send_to_scratch(duckdb::Connection& from, const std::string& select,
                                 server::Connection& server, const ServerDialect& dialect,
                                 const std::string& scratch, const std::vector<Column>& columns,
                                 const std::string& like) {
  WEIR_TRY(make_scratch(server, dialect, scratch, like, ServerDialect::Lifetime::transaction));
  return fill_scratch(from, select, server, dialect, scratch, columns);
}

}  // namespace weir::pipeline
