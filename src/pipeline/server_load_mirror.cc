// What a load has to know of the server's rows, copied to the workshop.
#include <fmt/format.h>

#include <algorithm>

#include "duckdb/cell_appender.h"
#include "pipeline/server_load.h"
#include "pipeline/server_tables.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

/// The scratch table on the server with keys that are asked for.
constexpr const char* keys_name = "weir_keys";

/// From a referenced table so many are fetched before a load that goes straight, instead of those
/// that it asks for.
constexpr uint64_t most_parent_values = 10'000;

}  // namespace

std::string ServerLoad::names_of(const std::vector<Column>& columns, std::string_view prefix) {
  std::string list;
  for (const Column& column : columns) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, quote_identifier(column.name));
  }
  return list;
}

std::vector<Column> ServerLoad::key_columns() const {
  std::vector<Column> columns;
  for (const std::string& name : table_.key) columns.push_back(*table_.find_column(name));
  return columns;
}

/// Into a mirror of `like`, of which the select gives the columns at `places`. Gives how many rows
/// they were.
Result<uint64_t> ServerLoad::copy_back(const std::string& select, const std::string& mirror,
                                       const std::vector<size_t>& places, const Table& like) {
  std::string name = mirror.substr(mirror.find('.') + 1);
  name = name.substr(1, name.size() - 2);  // weir's own: no quotes in it
  std::vector<duckdb::CellAppender::Column> columns;
  for (const Column& column : like.columns) columns.push_back({column.name, column.type});
  const auto appender = WEIR_TRY(duckdb::CellAppender::open(workshop_, name, std::move(columns)));
  std::vector<server::Cell> row(like.columns.size());
  Result<void> appended;
  WEIR_TRY(server_.stream(select, {}, [&](std::span<const server::Cell> cells) {
    for (size_t i = 0; i < places.size(); ++i) row[places[i]] = cells[i];
    appended = appender->row(row);
    return appended.has_value();
  }));
  if (!appended) {
    Error error = std::move(appended).error();
    error.message = "what table '" + like.name.value() + "' holds: " + error.message;
    return fail(std::move(error));
  }
  WEIR_TRY(appender->close());
  return appender->rows();
}

std::string ServerLoad::equal_columns(const std::vector<Column>& columns, std::string_view left,
                                      std::string_view right) const {
  std::string all;
  for (const Column& column : columns) {
    const std::string name = server_.quote_identifier(column.name);
    all += fmt::format("{}{}.{} = {}.{}", all.empty() ? "" : " AND ", left, name, right, name);
  }
  return all;
}

/// SQL of whether the server can hold these columns of the stage: what it cannot, it does not have.
std::string ServerLoad::storable(const std::vector<Column>& columns) const {
  std::string all = "TRUE";
  for (const Column& column : columns) {
    if (dialect_->holds_nul() || column.type.kind != TypeKind::varchar) continue;
    all += fmt::format(" AND NOT contains({}, chr(0))", quote_identifier(column.name));
  }
  return all;
}

/// The server's rows that the stage's are judged against.
Result<void> ServerLoad::mirror_target() {
  WEIR_TRY(workshop_.run("TRUNCATE " + mirror_));
  const bool compares = whole_target_ || !table_.key.empty();
  if (!compares || mode_ == LoadMode::replace || is_missing(table_)) return {};
  if (!WEIR_TRY(target_has_rows())) return {};
  std::string cells;
  std::vector<size_t> places;
  for (size_t i = 0; i < table_.columns.size(); ++i) {
    const Column& column = table_.columns[i];
    cells += (i == 0 ? "t." : ", t.") + server_.quote_identifier(column.name);
    places.push_back(i);
  }
  std::string select = fmt::format("SELECT {} FROM {} t", cells, on_server(table_));
  if (!whole_target_) {
    const std::vector<Column> keys = key_columns();
    const std::string wanted =
        fmt::format("SELECT DISTINCT {} FROM {} WHERE {}", names_of(keys, ""), inner_->stage_name(),
                    storable(keys));
    if (WEIR_TRY(send_wanted(wanted, keys_name, keys, table_))) {
      select += fmt::format(" JOIN {} k ON {}", keys_name, equal_columns(keys, "t", "k"));
    }
  }
  WEIR_TRY(copy_back(select, mirror_, places, table_));
  return {};
}

/// Those values of the referenced columns that the stage asks for.
Result<void> ServerLoad::mirror_parent(const Parent& parent) {
  WEIR_TRY(workshop_.run("TRUNCATE " + parent.mirror));
  if (is_missing(*parent.table)) return {};
  for (const auto& [column, parent_name, scratch] : parent.columns) {
    Column wanted = *parent.table->find_column(parent_name);
    const std::string own = quote_identifier(column->name);
    const bool asked = WEIR_TRY(
        send_wanted(fmt::format("SELECT DISTINCT CAST({} AS {}) AS {} FROM {} WHERE {} IS NOT NULL "
                                "AND {}",
                                own, duckdb::sql_type(wanted.type), quote_identifier(parent_name),
                                inner_->stage_name(), own, storable({*column})),
                    scratch, {wanted}, *parent.table));
    const std::string name = server_.quote_identifier(parent_name);
    std::string values =
        fmt::format("SELECT DISTINCT t.{} FROM {} t", name, on_server(*parent.table));
    if (asked) values += fmt::format(" JOIN {} k ON t.{} = k.{}", scratch, name, name);
    WEIR_TRY(mirror_column(parent, parent_name, values));
  }
  return {};
}

/// What a select gives into one column of a parent's mirror. Gives how many values that were.
Result<uint64_t> ServerLoad::mirror_column(const Parent& parent, const std::string& column,
                                           const std::string& select) {
  const auto& columns = parent.table->columns;
  const auto at = std::ranges::find(columns, column, &Column::name);
  return copy_back(select, parent.mirror, {static_cast<size_t>(at - columns.begin())},
                   *parent.table);
}

/// Those that decide needs, before a transaction in which the server makes none.
Result<void> ServerLoad::make_all_scratch() {
  const auto make = [&](const std::string& scratch, const std::vector<Column>& columns,
                        const Table& like) {
    return make_scratch(server_, *dialect_, scratch, select_on_server(columns, like),
                        ServerDialect::Lifetime::session);
  };
  const bool compares = !whole_target_ && !table_.key.empty() && mode_ != LoadMode::replace;
  if (compares && !is_missing(table_)) WEIR_TRY(make(keys_name, key_columns(), table_));
  for (const Parent& parent : parents_) {
    if (is_missing(*parent.table)) continue;
    for (const Parent::Asked& asked : parent.columns) {
      const Column& column = *parent.table->find_column(asked.parent_column);
      WEIR_TRY(make(asked.scratch, {column}, *parent.table));
    }
  }
  return {};
}

std::string ServerLoad::select_on_server(const std::vector<Column>& columns,
                                         const Table& like) const {
  std::string names;
  for (const Column& column : columns) {
    names += (names.empty() ? "" : ", ") + server_.quote_identifier(column.name);
  }
  return fmt::format("SELECT {} FROM {}", names, on_server(like));
}

/// Into a scratch table that has the types of those columns of `like`.
Result<void> ServerLoad::send_to_scratch(const std::string& select, const std::string& scratch,
                                         const std::vector<Column>& columns, const Table& like) {
  if (options_.writes) {
    WEIR_TRY(pipeline::send_to_scratch(workshop_, select, server_, *dialect_, scratch, columns,
                                       select_on_server(columns, like)));
    return {};
  }
  WEIR_TRY(server_.run("DELETE FROM " + scratch));
  WEIR_TRY(fill_scratch(workshop_, select, server_, *dialect_, scratch, columns));
  return {};
}

/// The values that the server is asked for. False: there is one that its column cannot hold, and
/// nobody knows which, so that it has to be asked for all it has.
Result<bool> ServerLoad::send_wanted(const std::string& select, const std::string& scratch,
                                     const std::vector<Column>& columns, const Table& like) {
  WEIR_TRY(server_.run("SAVEPOINT weir_wanted"));
  const auto sent = send_to_scratch(select, scratch, columns, like);
  if (sent) return true;
  if (!rows_refusal(sent.error(), server_)) return fail(sent.error());
  WEIR_TRY(server_.run("ROLLBACK TO SAVEPOINT weir_wanted"));
  return false;
}

/// All values of the referenced columns, where they are few. False: they are not.
Result<bool> ServerLoad::mirror_whole_parents() {
  for (const Parent& parent : parents_) {
    WEIR_TRY(workshop_.run("TRUNCATE " + parent.mirror));
    for (const auto& [column, parent_name, scratch] : parent.columns) {
      const std::string name = server_.quote_identifier(parent_name);
      const std::string values =
          fmt::format("SELECT t.{} FROM {} t WHERE t.{} IS NOT NULL LIMIT {}", name,
                      on_server(*parent.table), name, most_parent_values + 1);
      if (WEIR_TRY(mirror_column(parent, parent_name, values)) > most_parent_values) return false;
    }
  }
  return true;
}

}  // namespace weir::pipeline
