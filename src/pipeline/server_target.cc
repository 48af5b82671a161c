#include "pipeline/server_target.h"

#include "pipeline/server_scratch.h"
#include "pipeline/server_tables.h"

namespace weir::pipeline {

Result<server::Rows> ServerTarget::run(const std::string& sql) { return server_.run(sql); }

Result<void> ServerTarget::stream(const std::string& select,
                                  const std::function<bool(std::span<const Cell>)>& row) {
  return server_.stream(select, {}, row);
}

Result<std::string> ServerTarget::lend(const std::string& name, const std::string& select,
                                       const std::vector<Column>& columns,
                                       const std::string& like) {
  WEIR_TRY(send_to_scratch(workshop_, select, server_, *dialect_, name, columns, like));
  return name;
}

std::string ServerTarget::identifier(std::string_view name) const {
  return server_.quote_identifier(name);
}

std::string ServerTarget::literal(std::string_view text) const {
  return server_.quote_literal(text);
}

std::string ServerTarget::table(const Table& table) const { return server_name(server_, table); }

std::string ServerTarget::moment(Timestamp at) const { return literal(dialect_->moment(at)); }

std::string ServerTarget::moment_text(std::string_view column) const {
  return dialect_->moment_text(column);
}

std::string ServerTarget::update(const std::string& table, const Assignments& assignments,
                                 const std::string& rows, const std::string& condition) const {
  Assignments quoted;
  for (const auto& [column, expression] : assignments) {
    quoted.emplace_back(identifier(column), expression);
  }
  return dialect_->update_from(table, rows, condition, quoted);
}

}  // namespace weir::pipeline
