#include "pipeline/server_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/conversion.h"
#include "pipeline/server_cell.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

/// View `found`: text, as the server spells it.
constexpr const char* slice = "temp.weir_slice";
constexpr size_t slice_rows = 16'384;
constexpr size_t slice_bytes = size_t{16} << 20;

}  // namespace

Result<std::unique_ptr<ServerRows>> ServerRows::make(server::Connection& server,
                                                     duckdb::Database& workshop,
                                                     const TableCatalog& catalog,
                                                     const Table& table, FoundTable found) {
  auto rows = std::unique_ptr<ServerRows>(
      new ServerRows(server, workshop, catalog, table, std::move(found)));
  WEIR_TRY(prepare_conversions(workshop, table));
  WEIR_TRY(rows->prepare());
  return rows;
}

Result<void> ServerRows::prepare() {
  connection_ = WEIR_TRY(workshop_.connect());
  std::string texts, values;
  for (const WantedColumn& wanted : wanted_columns(table_)) {
    const FoundColumn* found = found_.find_column(wanted.column.name);
    if (found == nullptr) continue;
    const std::string name = quote_identifier(wanted.column.name);
    columns_.push_back({wanted.column, found});
    const std::string null = fmt::format("CAST(NULL AS {})", duckdb::sql_type(wanted.column.type));
    texts += fmt::format("{}{} VARCHAR", texts.empty() ? "" : ", ", name);
    values += fmt::format("{}{} AS {}", values.empty() ? "" : ", ",
                          wanted_value(columns_.back(), "s").value_or(null), name);
  }
  if (columns_.empty()) return {};
  relation_ = fmt::format("(SELECT {} FROM {} s)", values, slice);
  WEIR_TRY(connection_->run(fmt::format("CREATE OR REPLACE TEMP TABLE weir_slice ({})", texts)));
  return {};
}

/// A value of the column's own type is read as a load reads it back; one of another type becomes
/// the dictionary's as in a load. Nullopt: there is no way.
std::optional<std::string> ServerRows::wanted_value(const Shared& shared,
                                                    std::string_view row) const {
  const auto& [column, found] = shared;
  const std::string text = fmt::format("{}.{}", row, quote_identifier(column.name));
  if (found->fit == server::TypeFit::same) {
    const bool list = column.type.kind == TypeKind::list;
    return fmt::format("TRY_CAST({} AS {})",
                       list ? fmt::format("TRY_CAST({} AS JSON)", text) : text,
                       duckdb::sql_type(column.type));
  }
  const auto conversion =
      convert(workshop_, fmt::format("TRY_CAST({} AS {})", text, found->reads_as), found->reads_as,
              column.type);
  return conversion ? std::optional(conversion->sql) : std::nullopt;
}

const ServerRows::Shared* ServerRows::find_shared(const std::string& name) const {
  const auto at =
      std::ranges::find_if(columns_, [&](const Shared& one) { return one.column.name == name; });
  return at == columns_.end() ? nullptr : &*at;
}

Result<uint64_t> ServerRows::number(const std::string& select) {
  const auto rows = WEIR_TRY(server_.run(select));
  return static_cast<uint64_t>(rows.int64(0, 0));
}

Result<uint64_t> ServerRows::count() {
  return number("SELECT count(*) FROM " + catalog_.target(table_));
}

Result<void> ServerRows::slices(const std::string& where,
                                const std::function<Result<void>()>& full) {
  std::string cells;
  for (const Shared& shared : columns_) {
    cells += fmt::format(
        "{}{}", cells.empty() ? "" : ", ",
        catalog_.text_of(*shared.found, "t." + server_.quote_identifier(shared.found->name)));
  }
  std::unique_ptr<duckdb::Appender> appender;
  size_t rows = 0, bytes = 0;
  std::vector<duckdb::Parameter> values(columns_.size());
  const auto hand_over = [&]() -> Result<void> {
    WEIR_TRY(appender->close());
    appender.reset();
    WEIR_TRY(full());
    WEIR_TRY(connection_->run(fmt::format("TRUNCATE {}", slice)));
    rows = bytes = 0;
    return {};
  };
  const auto take = [&](std::span<const server::Cell> row) -> Result<void> {
    if (appender == nullptr) {
      appender = WEIR_TRY(connection_->appender("temp", "main", "weir_slice"));
    }
    for (size_t i = 0; i < row.size(); ++i) {
      values[i] = read_cell(row[i], cell_spelling(columns_[i].found->reads_as));
      bytes += row[i] ? row[i]->size() : 0;
    }
    WEIR_TRY(appender->row(values));
    return ++rows < slice_rows && bytes < slice_bytes ? Result<void>() : hand_over();
  };
  WEIR_TRY(connection_->run(fmt::format("TRUNCATE {}", slice)));
  Result<void> taken;
  WEIR_TRY(server_.stream(
      fmt::format("SELECT {} FROM {} t{}", cells, catalog_.target(table_), where), {},
      [&](std::span<const server::Cell> row) { return (taken = take(row)).has_value(); }));
  WEIR_TRY(std::move(taken));
  return rows == 0 ? Result<void>() : hand_over();
}

Result<std::vector<RowCount>> ServerRows::test(std::span<const RowTest> tests) {
  std::vector<RowTest> sorted[2];
  std::vector<size_t> places[2];
  for (size_t i = 0; i < tests.size(); ++i) {
    const auto view = static_cast<size_t>(tests[i].view);
    sorted[view].push_back(tests[i]);
    places[view].push_back(i);
  }
  std::vector<RowCount> counts[2] = {std::vector<RowCount>(sorted[0].size()),
                                     std::vector<RowCount>(sorted[1].size())};
  const std::string relations[2] = {relation_, slice};
  WEIR_TRY(slices("", [&]() -> Result<void> {
    for (size_t view = 0; view < 2; ++view) {
      WEIR_TRY(count_rows(*connection_, relations[view], "", sorted[view], counts[view]));
    }
    return {};
  }));
  std::vector<RowCount> all(tests.size());
  for (size_t view = 0; view < 2; ++view) {
    for (size_t i = 0; i < places[view].size(); ++i) {
      all[places[view][i]] = std::move(counts[view][i]);
    }
  }
  return all;
}

Result<RowCount> ServerRows::repeated(const std::vector<std::string>& columns) {
  std::string names, present, texts;
  for (const std::string& name : columns) {
    const std::string quoted = server_.quote_identifier(name);
    names += (names.empty() ? "" : ", ") + quoted;
    present += fmt::format("{}{} IS NOT NULL", present.empty() ? "" : " AND ", quoted);
    texts += (texts.empty() ? "" : ", ") + catalog_.text_of(*found_.find_column(name), quoted);
  }
  const std::string groups = fmt::format("FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1",
                                         catalog_.target(table_), present, names);
  RowCount found;
  found.rows = WEIR_TRY(number(
      fmt::format("SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n {}) weir_g", groups)));
  if (found.rows == 0) return found;
  const auto example =
      WEIR_TRY(server_.run(fmt::format("SELECT {} {} ORDER BY {} LIMIT 1", texts, groups, names)));
  for (size_t i = 0; example.size() > 0 && i < columns.size(); ++i) {
    found.example += (i == 0 ? "" : ", ") + example.text(0, i);
  }
  return found;
}

Result<RowCount> ServerRows::orphans(const std::string& column, const Table& parent,
                                     const std::string& parent_column, const std::string& example) {
  const std::string value = "t." + server_.quote_identifier(column);
  const std::string condition =
      fmt::format("{0} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {1} p WHERE p.{2} = {0})", value,
                  catalog_.target(parent), server_.quote_identifier(parent_column));
  RowCount found;
  found.rows = WEIR_TRY(number(
      fmt::format("SELECT count(*) FROM {} t WHERE {}", catalog_.target(table_), condition)));
  if (found.rows == 0) return found;
  WEIR_TRY(slices(" WHERE " + condition + " LIMIT 1", [&]() -> Result<void> {
    const auto rows =
        WEIR_TRY(connection_->run(fmt::format("SELECT {} FROM {} weir_t LIMIT 1", example, slice)));
    if (rows.size() > 0) found.example = rows.text(0, 0);
    return {};
  }));
  return found;
}

bool ServerRows::can_compute(const std::string& expression) {
  return connection_->describe(fmt::format("SELECT {} FROM {} weir_t", expression, relation_))
      .has_value();
}

Result<TypeChange> ServerRows::change_type(const std::string& column, const DataType& wanted,
                                           const std::string& type) {
  const FoundColumn& found = *find_shared(column)->found;
  TypeChange change{"", catalog_.set_type(table_, found, type)};
  const std::string text = "weir_t." + quote_identifier(column);
  const bool its_text = found.reads_as == "JSON" && wanted.kind == TypeKind::varchar;
  if (!its_text) {
    const Conversion conversion =
        WEIR_TRY(convert(workshop_, fmt::format("TRY_CAST({} AS {})", text, found.reads_as),
                         found.reads_as, wanted));
    change.condition = fmt::format("({} IS NOT NULL AND ({}) IS NULL)", text, conversion.sql);
  }
  if (wanted.kind == TypeKind::varchar && wanted.length > 0) {
    change.condition += fmt::format("{}coalesce(length({}) > {}, FALSE)", its_text ? "" : " OR ",
                                    text, wanted.length);
  }
  return change;
}

std::optional<std::string> ServerRows::misfit(const Column& column) {
  const Shared* shared = find_shared(column.name);
  if (shared == nullptr) return std::nullopt;
  const bool any_text =
      column.type.kind == TypeKind::varchar && shared->found->fit == server::TypeFit::same;
  const auto value = any_text ? std::nullopt : wanted_value(*shared, "weir_t");
  if (!value) return std::nullopt;
  return fmt::format("weir_t.{} IS NOT NULL AND ({}) IS NULL", quote_identifier(column.name),
                     *value);
}

}  // namespace weir::pipeline
