#pragma once

#include "pipeline/table_catalog.h"
#include "server/connection.h"

namespace weir::pipeline {

/// The tables of a Postgres database.
class PostgresCatalog final : public TableCatalog {
 public:
  /// `connection` must outlive it.
  explicit PostgresCatalog(server::Connection& connection) : connection_(connection) {}

  Result<FoundTable> find(const Table& table) override;
  Result<std::vector<server::TableGuard>> guards(const Table& table) override;
  bool keeps_keys() const override { return true; }
  std::string quote_identifier(std::string_view name) const override;
  std::string target(const Table& table) const override;
  std::string text_of(const FoundColumn& found, const std::string& expression) const override;
  Result<std::string> type_sql(const Table& table, const Column& column) const override;
  Result<std::vector<std::string>> creation_ddl(const Table& table) const override;
  std::string set_type(const Table& table, const FoundColumn& found,
                       const std::string& type) const override;

 private:
  server::Connection& connection_;
};

}  // namespace weir::pipeline
