#pragma once

#include <memory>

#include "mysql/types.h"
#include "pipeline/server_dialect.h"
#include "pipeline/table_catalog.h"
#include "server/connection.h"

namespace weir::pipeline {

/// The tables of a MySQL or MariaDB database. There a column is altered by stating all of it anew:
/// what weir could not state (a default, a number the server gives, a comment, a check) it leaves
/// to a person, and gives no DDL.
class MysqlCatalog final : public TableCatalog {
 public:
  /// `connection` must outlive it.
  explicit MysqlCatalog(server::Connection& connection);

  Result<FoundTable> find(const Table& table) override;
  Result<std::vector<server::TableGuard>> guards(const Table& table) override;
  bool keeps_keys() const override { return true; }
  bool restates_columns() const override { return true; }
  std::string quote_identifier(std::string_view name) const override;
  std::string target(const Table& table) const override;
  std::string text_of(const FoundColumn& found, const std::string& expression) const override;
  Result<std::string> type_sql(const Table& table, const Column& column) const override;
  Result<std::vector<std::string>> creation_ddl(const Table& table) const override;
  std::string set_type(const Table& table, const FoundColumn& found,
                       const std::string& type) const override;
  std::string set_not_null(const Table& table, const FoundColumn& found) const override;
  std::string drop_not_null(const Table& table, const FoundColumn& found) const override;

 private:
  FoundColumn found_column(const Table& table, const mysql::ColumnFacts& facts) const;
  Result<void> forget_commented(const Table& table, FoundTable& found);
  std::string modify(const Table& table, const FoundColumn& found, const std::string& type,
                     std::string_view null) const;

  server::Connection& connection_;
  const mysql::Dialect server_;
  const std::unique_ptr<const ServerDialect> dialect_;
};

}  // namespace weir::pipeline
