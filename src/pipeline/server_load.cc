#include "pipeline/server_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pipeline/deferred_key.h"
#include "pipeline/server_catalog.h"
#include "pipeline/server_tables.h"
#include "pipeline/server_upsert.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

std::string definitions_of(const std::vector<Column>& columns) {
  std::string list;
  for (const Column& column : columns) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", quote_identifier(column.name),
                        duckdb::sql_type(column.type));
  }
  return list;
}

bool is_unique(const Column& column) {
  return std::ranges::any_of(column.rules,
                             [](const Rule& rule) { return rule.kind == RuleKind::unique; });
}

LoadCounts sum_of(const LoadDecision& decision) {
  LoadCounts all;
  for (const LoadCounts& count : decision.inputs) {
    all.inserted += count.inserted;
    all.updated += count.updated;
    all.unchanged += count.unchanged;
  }
  return all;
}

/// Whether the table has keys of these rows.
bool some_match(const LoadDecision& decision) {
  const LoadCounts all = sum_of(decision);
  return all.updated + all.unchanged > 0;
}

/// The scratch table on the server with rows on their way: each session has its own.
constexpr const char* updates_name = "weir_updates";

/// What the query of a load that goes straight says when a row refers to what is not there.
constexpr std::string_view reference_broken = "weir: a row refers to what is not there";

}  // namespace

Result<std::unique_ptr<ServerLoad>> ServerLoad::make(duckdb::Connection& workshop,
                                                     server::Connection& server, Engine engine,
                                                     const Project& project, const Table& table,
                                                     LoadMode mode, RowQuery query,
                                                     const std::string& stage_name,
                                                     TableLoadOptions options) {
  auto load = std::unique_ptr<ServerLoad>(
      new ServerLoad(workshop, server, engine, table, mode, stage_name));
  load->mirror_ = "temp." + quote_identifier(stage_name + "_target");
  const auto references = WEIR_TRY(find_references(project, table));
  for (const Reference& reference : references) {
    if (reference.parent->name == table.name) {
      load->whole_target_ = true;
      continue;
    }
    auto at = std::ranges::find(load->parents_, reference.parent, &Parent::table);
    if (at == load->parents_.end()) {
      const std::string mirror = fmt::format("{}_parent_{}", stage_name, load->parents_.size());
      at = load->parents_.insert(at, {reference.parent, "temp." + quote_identifier(mirror), {}});
    }
    at->columns.push_back(
        {reference.column, reference.parent_column,
         fmt::format("weir_values_{}_{}", at - load->parents_.begin(), at->columns.size())});
  }
  if (std::ranges::any_of(table.columns, is_unique)) load->whole_target_ = true;
  load->may_go_straight_ = !load->whole_target_ && !table.lineage && options.writes;
  load->options_ = options;
  options.always_stage = true;
  auto inner = WEIR_TRY(DuckdbLoad::make(
      workshop, project, table, mode, std::move(query), stage_name, std::move(options),
      [load = load.get()](const Table& of) { return load->relation_of(of); }));
  load->inner_.reset(static_cast<DuckdbLoad*>(inner.release()));
  load->rules_ = load->inner_->rules();
  return load;
}

std::string ServerLoad::relation_of(const Table& table) const {
  if (table.name == table_.name) return mirror_;
  const auto at = std::ranges::find(parents_, &table, &Parent::table);
  return at == parents_.end() ? target_name(table) : at->mirror;
}

std::string ServerLoad::on_server(const Table& table) const { return server_name(server_, table); }

Result<void> ServerLoad::prepare() {
  WEIR_TRY(workshop_.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} ({})", mirror_,
                                     definitions_of(table_.columns))));
  for (const Parent& parent : parents_) {
    WEIR_TRY(workshop_.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} ({})", parent.mirror,
                                       definitions_of(parent.table->columns))));
  }
  if (!whole_target_ && options_.writes && !table_.key.empty()) {
    guarded_key_ = WEIR_TRY(guards_key(server_, engine_, table_));
    may_go_straight_ = may_go_straight_ && guarded_key_;
  }
  if (!options_.writes) WEIR_TRY(make_all_scratch());
  return inner_->prepare();
}

bool ServerLoad::turn_careful() { return refused_; }

Result<void> ServerLoad::stage(size_t inputs, std::span<const duckdb::Parameter> parameters) {
  rules_.resize(inner_->rules().size());
  way_.clear();
  // Rows of which one met another or broke a rule are likely to be followed by more of that kind.
  careful_ = refused_ || last_met_ || !may_go_straight_;
  judged_anew_ = judged_anew_ && refused_;
  unseen_refused_ = unseen_refused_ && refused_;
  refused_ = false;
  const bool may_meet = mode_ == LoadMode::merge || mode_ == LoadMode::ignore;
  if (!careful_ && may_meet && !dialect_->refuses_early()) careful_ = WEIR_TRY(target_has_rows());
  upserts_unseen_ = careful_ && WEIR_TRY(goes_unseen(inputs));
  if (!careful_ || upserts_unseen_) return {};
  return inner_->stage(inputs, parameters);
}

/// What TableLocks is inside one process, among all: another owner's load does not change what
/// this one decides by. Until the transaction ends.
Result<void> ServerLoad::lock_tables() {
  if (engine_ != Engine::postgres || !options_.writes) return {};
  std::vector<std::string> names = {on_server(table_)};
  for (const Parent& parent : parents_) names.push_back(on_server(*parent.table));
  std::ranges::sort(names);
  const bool alone = careful_ || mode_ == LoadMode::replace;
  const std::string statement = fmt::format(
      "SELECT pg_advisory_xact_lock{}((CAST(860211 AS bigint) << 32) + "
      "CAST(to_regclass($1)::oid AS bigint))",
      alone ? "" : "_shared");
  for (std::string& name : names) {
    const server::Cell cell = std::move(name);
    WEIR_TRY(server_.run(statement, {&cell, 1}));
  }
  return {};
}

Result<bool> ServerLoad::target_has_rows() {
  return WEIR_TRY(server_.run("SELECT 1 FROM " + on_server(table_) + " LIMIT 1")).size() > 0;
}

/// Of one input, since the server does not tell of a row which input it came from.
Result<bool> ServerLoad::server_decides(size_t inputs) {
  const bool may_be = mode_ == LoadMode::merge && guarded_key_ && options_.counts_on_write;
  if (!may_be || inputs != 1 || !WEIR_TRY(target_has_rows())) return false;
  return decides_alike(server_, engine_, table_);
}

/// Whether the rows of a merge can be sent before anybody has looked for keys that they share.
Result<bool> ServerLoad::goes_unseen(size_t inputs) {
  if (!may_go_straight_ || unseen_refused_ || last_repeated_) return false;
  return server_decides(inputs);
}

Result<LoadDecision> ServerLoad::decide(size_t inputs, const SetRules::RejectRow& reject_row) {
  WEIR_TRY(lock_tables());
  LoadDecision decision;
  upserts_ = careful_ && !upserts_unseen_ && WEIR_TRY(server_decides(inputs));
  if (careful_ && !upserts_unseen_) {
    if (upserts_) {
      WEIR_TRY(workshop_.run("TRUNCATE " + mirror_));
    } else {
      WEIR_TRY(mirror_target());
    }
    for (const Parent& parent : parents_) WEIR_TRY(mirror_parent(parent));
    decision = WEIR_TRY(inner_->decide(inputs, reject_row));
    last_met_ = std::ranges::any_of(
        decision.inputs, [](const LoadCounts& count) { return count.inserted < count.staged; });
    last_repeated_ = std::ranges::any_of(
        decision.inputs, [](const LoadCounts& count) { return count.deduplicated > 0; });
  }
  decision.inputs.resize(inputs);
  if (mode_ == LoadMode::replace) decision.replaced = WEIR_TRY(count_replaced());
  return decision;
}

/// Of a plan that writes nothing: rows that an input before would have put there.
Result<uint64_t> ServerLoad::count_replaced() {
  const std::string there = options_.over ? options_.over(table_, mirror_) : mirror_;
  if (there != mirror_) {
    const auto rows = WEIR_TRY(workshop_.run("SELECT count(*) FROM " + there));
    return static_cast<uint64_t>(rows.int64(0, 0));
  }
  if (is_missing(table_)) return 0;
  const auto rows = WEIR_TRY(server_.run("SELECT count(*) FROM " + on_server(table_)));
  return static_cast<uint64_t>(rows.int64(0, 0));
}

Result<uint64_t> ServerLoad::write(LoadDecision& decision,
                                   std::span<const duckdb::Parameter> parameters,
                                   std::span<const LineageStretch> lineage,
                                   const WriteRejects& rejects) {
  if (mode_ == LoadMode::replace) WEIR_TRY(empty_target(decision.replaced));
  if (!careful_) return write_straight(parameters);
  if (upserts_unseen_) return upsert_unseen(decision, parameters);
  if (table_.lineage) WEIR_TRY(inner_->write_lineage(lineage));
  return write_judged(decision, rejects);
}

Result<void> ServerLoad::empty_target(uint64_t expected) {
  const auto removed = WEIR_TRY(server_.run("DELETE FROM " + on_server(table_)));
  if (removed.changed == expected) return {};
  return fail(ErrorCode::busy, "somebody else writes to table '" + table_.name.value() + "'");
}

/// Rows of the workshop into the table itself.
Result<SentRows> ServerLoad::fill_target(const std::string& select,
                                         std::span<const duckdb::Parameter> parameters,
                                         const std::vector<Column>& columns) {
  std::optional<DeferredKey> key;
  if (made_ && engine_ == Engine::postgres) key = WEIR_TRY(DeferredKey::take_off(server_, table_));
  const SentRows sent = WEIR_TRY(send_rows(workshop_, select, parameters, server_, table_.schema,
                                           table_.name.value(), columns));
  if (key) WEIR_TRY(key->put_back());
  made_ = false;
  way_ = sent.way;
  return sent;
}

/// A condition that no row breaks: the query fails with the first that names what is not there.
std::string ServerLoad::references_hold() const {
  std::string all;
  for (const Parent& parent : parents_) {
    for (const auto& [column, parent_name, scratch] : parent.columns) {
      const std::string own = "s." + quote_identifier(column->name);
      // No EXISTS: DuckDB would hold all rows of the load before it lets the first one pass.
      all +=
          fmt::format("{}({} IS NULL OR {} IN (SELECT p.{} FROM {} p))", all.empty() ? "" : " AND ",
                      own, own, quote_identifier(parent_name), parent.mirror);
    }
  }
  if (all.empty()) return "TRUE";
  return fmt::format("CASE WHEN {} THEN TRUE ELSE CAST(error({}) AS BOOLEAN) END", all,
                     duckdb::quote_literal(std::string(reference_broken)));
}

/// The rows as they are read. Errors: busy, when they are to be staged.
Result<std::string> ServerLoad::select_straight() {
  if (!WEIR_TRY(mirror_whole_parents())) {
    may_go_straight_ = false;
    refused_ = true;
    return fail(ErrorCode::busy, "the referenced tables are too large to be asked beforehand");
  }
  return fmt::format("SELECT {} FROM ({}) s WHERE {}", names_of(table_.columns, "s."),
                     inner_->query().sql, references_hold());
}

Result<uint64_t> ServerLoad::write_straight(std::span<const duckdb::Parameter> parameters) {
  const std::string select = WEIR_TRY(select_straight());
  const auto sent = fill_target(select, parameters, table_.columns);
  const bool broken = !sent && sent.error().message.find(reference_broken) != std::string::npos;
  if (!broken) {
    const RowsRefusal refusal = sent ? WEIR_TRY(check_deferred()) : WEIR_TRY(judged(sent.error()));
    if (!refusal && sent->taken == sent->rows) return sent->taken;
  }
  refused_ = true;
  return fail(ErrorCode::busy, "a row is refused: each is to be judged");
}

Result<uint64_t> ServerLoad::upsert_unseen(LoadDecision& decision,
                                           std::span<const duckdb::Parameter> parameters) {
  const std::string select = WEIR_TRY(select_straight());
  const auto to_be_staged = [&]() -> Result<uint64_t> {
    refused_ = unseen_refused_ = true;
    return fail(ErrorCode::busy, "a row is refused, or has another's key: each is to be judged");
  };
  const auto sent = send_updates(select, parameters, table_.columns);
  if (!sent) {
    if (sent.error().message.find(reference_broken) != std::string::npos) return to_be_staged();
    WEIR_TRY(judged(sent.error()));
    return to_be_staged();
  }
  const auto written = upsert_rows(server_, table_, table_.columns, updates_name);
  if (!written) {
    // Of two rows with one key the second would change what the first has written.
    constexpr std::string_view row_met_twice = "21000";
    if (server_.refusal().state != row_met_twice) WEIR_TRY(judged(written.error()));
    return to_be_staged();
  }
  if (WEIR_TRY(check_deferred())) return to_be_staged();
  LoadCounts& count = decision.inputs.front();
  count.staged = sent->rows;
  count.inserted = written->inserted;
  count.updated = written->updated;
  if (count.inserted + count.updated > count.staged) {
    return fail(ErrorCode::internal, "more rows were written than were sent");
  }
  count.unchanged = count.staged - count.inserted - count.updated;
  // A row that was written cannot be met again, but one that stayed as it was can.
  if (count.unchanged > 0 && WEIR_TRY(updates_share_keys())) return to_be_staged();
  last_met_ = count.inserted < count.staged;
  way_ = sent->way;
  return count.inserted;
}

Result<bool> ServerLoad::updates_share_keys() {
  std::string keys;
  for (const std::string& name : table_.key) {
    keys += (keys.empty() ? "" : ", ") + server_.quote_identifier(name);
  }
  const auto shared = WEIR_TRY(server_.run(
      fmt::format("SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1 LIMIT 1", updates_name, keys)));
  return shared.size() > 0;
}

/// Rows that exchange values of a `unique` column would be in each other's way: a server compares
/// row by row, while they change. Such values are given up first.
Result<void> ServerLoad::give_up_unique_values(const std::string& changed,
                                               const std::vector<Column>& keys) {
  std::string same_key;
  for (const Column& key : keys) {
    const std::string name = quote_identifier(key.name);
    same_key += fmt::format("{}u.{} = t.{}", same_key.empty() ? "" : " AND ", name, name);
  }
  for (const Column& column : table_.columns) {
    const bool in_key = std::ranges::find(table_.key, column.name) != table_.key.end();
    if (in_key || !is_unique(column)) continue;
    const std::string own = quote_identifier(column.name);
    const auto taken = WEIR_TRY(workshop_.run(
        fmt::format("SELECT 1 FROM ({}) u JOIN {} t ON u.{} = t.{} WHERE NOT ({}) LIMIT 1", changed,
                    mirror_, own, own, same_key)));
    if (taken.size() == 0) continue;
    if (column.required()) {
      return fail(ErrorCode::sql,
                  fmt::format("rows of this input exchange values of column '{}' of table '{}', "
                              "which is unique and required: a server cannot do that at once",
                              column.name, table_.name.value()),
                  "load them in two inputs, the first with other values", column.location);
    }
    const std::string name = server_.quote_identifier(column.name);
    WEIR_TRY(server_.run(fmt::format(
        "UPDATE {} t SET {} = NULL WHERE EXISTS (SELECT 1 FROM {} u WHERE {} AND "
        "(u.{} IS NULL OR u.{} <> t.{}))",
        on_server(table_), name, updates_name, equal_columns(keys, "t", "u"), name, name, name)));
  }
  return {};
}

Result<uint64_t> ServerLoad::write_judged(LoadDecision& decision, const WriteRejects& rejects) {
  WEIR_TRY(server_.run("SAVEPOINT weir_write"));
  RowsRefusal refusal = WEIR_TRY(upserts_ ? upsert(decision) : put_decided(decision));
  if (!refusal) return sum_of(decision).inserted;
  last_met_ = true;
  made_ = false;  // the rest goes in by parts, into a table with its key
  WEIR_TRY(server_.run("ROLLBACK TO SAVEPOINT weir_write"));
  if (!judged_anew_ && WEIR_TRY(breaks_judged_rule(*refusal))) {
    judged_anew_ = refused_ = true;
    return fail(ErrorCode::busy,
                "somebody else writes to table '" + table_.name.value() + "': " + refusal->message);
  }
  if (upserts_) {
    WEIR_TRY(mirror_target());
    WEIR_TRY(inner_->count_again(decision));
    refusal->row = 0;  // it counts the rows of another statement
  }
  ServerRefusals refusals(workshop_, server_, engine_, table_, inner_->query(), stage_name_,
                          rules_);
  WEIR_TRY(refusals.write(
      inner_->rows_to_write(some_match(decision)), inner_->written_columns(), *refusal,
      [this](const RowsToWrite& rows) { return put(rows); }, rejects, decision));
  return sum_of(decision).inserted;
}

/// Whether it is of the key or of a `unique` column: weir found no row with the value a moment ago.
Result<bool> ServerLoad::breaks_judged_rule(const server::Refusal& refusal) {
  if (refusal.constraint.empty()) return false;
  const auto guards = WEIR_TRY(server_catalog(server_, engine_)->guards(table_));
  const auto guard = std::ranges::find_if(guards, [&](const server::TableGuard& one) {
    using Kind = server::TableGuard::Kind;
    const bool repeats = one.kind == Kind::primary_key || one.kind == Kind::unique;
    return repeats && one.name == refusal.constraint;
  });
  if (guard == guards.end()) return false;
  const std::set<std::string> columns(guard->columns.begin(), guard->columns.end());
  if (columns == std::set<std::string>(table_.key.begin(), table_.key.end())) return true;
  const Column* column = columns.size() == 1 ? table_.find_column(*columns.begin()) : nullptr;
  return column != nullptr && is_unique(*column);
}

Result<RowsRefusal> ServerLoad::put_decided(const LoadDecision& decision) {
  const LoadCounts decided = sum_of(decision);
  return put({inner_->changed_rows(), decided.updated, inner_->new_rows(some_match(decision)),
              decided.inserted});
}

/// Rows of the workshop into the scratch table from which they are merged.
Result<SentRows> ServerLoad::send_updates(const std::string& select,
                                          std::span<const duckdb::Parameter> parameters,
                                          const std::vector<Column>& columns) {
  WEIR_TRY(make_scratch(server_, *dialect_, updates_name, select_on_server(columns, table_),
                        ServerDialect::Lifetime::transaction));
  return send_rows(workshop_, select, parameters, server_, "", updates_name, columns);
}

/// The rows of one input, of which the decision does not know yet which are new.
Result<RowsRefusal> ServerLoad::upsert(LoadDecision& decision) {
  const std::vector<Column> columns = inner_->written_columns();
  const auto sent = send_updates(inner_->new_rows(false), {}, columns);
  if (!sent) return judged(sent.error());
  const auto written = upsert_rows(server_, table_, columns, updates_name);
  if (!written) return judged(written.error());
  LoadCounts& count = decision.inputs.front();
  const uint64_t rows = count.staged - count.rejected - count.deduplicated;
  if (sent->rows != rows || written->inserted + written->updated > rows) {
    return fail(ErrorCode::internal, "the rows written are not the rows decided");
  }
  count.inserted = written->inserted;
  count.updated = written->updated;
  count.unchanged = rows - count.inserted - count.updated;
  last_met_ = count.inserted < count.staged;
  way_ = sent->way;
  return check_deferred();
}

/// Why the server did not take rows; or the error, where they are not to blame.
Result<RowsRefusal> ServerLoad::judged(Error error) const {
  if (RowsRefusal refusal = rows_refusal(error, server_)) return refusal;
  // Of the server's: one of the workshop's leaves no refusal.
  if (error.code == ErrorCode::sql && !server_.refusal().state.empty()) {
    error.message = fmt::format("table '{}' takes no rows, whatever they hold: {}",
                                table_.name.value(), error.message);
  }
  return fail(std::move(error));
}

Result<RowsRefusal> ServerLoad::check_deferred() {
  const std::string check = dialect_->check_now();
  if (check.empty()) return RowsRefusal();
  const auto checked = server_.run(check);
  return checked ? RowsRefusal() : judged(checked.error());
}

Result<RowsRefusal> ServerLoad::put(const RowsToWrite& rows) {
  RowsRefusal refusal = WEIR_TRY(put_unchecked(rows));
  return refusal ? refusal : check_deferred();
}

Result<RowsRefusal> ServerLoad::put_unchecked(const RowsToWrite& rows) {
  const std::vector<Column> columns = inner_->written_columns();
  server::Refusal left_out;
  left_out.by_row = true;
  left_out.message = "a trigger or rule of the server's leaves the row out";
  if (rows.changed_count > 0) {
    const auto updated = update(rows.changed, columns);
    if (!updated) return judged(updated.error());
    if (*updated < rows.changed_count) return left_out;
    if (*updated > rows.changed_count) {
      return fail(ErrorCode::invalid_input,
                  "table '" + table_.name.value() + "' holds a key of this input more than once",
                  "remove the duplicates from the table");
    }
  }
  if (rows.added_count == 0) return RowsRefusal();
  const auto sent = fill_target(rows.added, {}, columns);
  if (!sent) {
    RowsRefusal refusal = WEIR_TRY(judged(sent.error()));
    if (refusal->row > 0) refusal->row += rows.changed_count;
    return refusal;
  }
  if (sent->rows != rows.added_count) {
    return fail(ErrorCode::internal, "the rows sent are not the rows decided");
  }
  if (sent->taken < sent->rows) return left_out;
  return RowsRefusal();
}

/// Gives how many rows were updated.
Result<uint64_t> ServerLoad::update(const std::string& changed,
                                    const std::vector<Column>& columns) {
  const std::vector<Column> keys = key_columns();
  WEIR_TRY(send_to_scratch(changed, updates_name, columns, table_));
  WEIR_TRY(give_up_unique_values(changed, keys));
  ServerDialect::Assignments assigned;
  for (const Column& column : columns) {
    if (std::ranges::find(table_.key, column.name) != table_.key.end()) continue;
    const std::string name = server_.quote_identifier(column.name);
    assigned.emplace_back(name, "u." + name);
  }
  const auto updated = WEIR_TRY(server_.run(dialect_->update_from(
      on_server(table_), updates_name, equal_columns(keys, "t", "u"), assigned)));
  return updated.changed;
}

}  // namespace weir::pipeline
