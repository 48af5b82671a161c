#include "pipeline/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "pipeline/conversion.h"
#include "pipeline/default_value.h"
#include "pipeline/dictionary_version.h"
#include "pipeline/drift.h"
#include "pipeline/duckdb_catalog.h"
#include "pipeline/duckdb_ledger.h"
#include "pipeline/duckdb_load.h"
#include "pipeline/length_only.h"
#include "pipeline/run_variables.h"
#include "pipeline/server_catalog.h"
#include "pipeline/server_dialect.h"
#include "pipeline/server_ledger.h"
#include "pipeline/server_load.h"
#include "pipeline/server_tables.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

RowRule scan_rule(duckdb::ScanRule rule) {
  switch (rule) {
    case duckdb::ScanRule::broken: return {"", "record", "the record cannot be read: {}"};
    case duckdb::ScanRule::not_an_object: return {"", "object", "the element is not a JSON object"};
    case duckdb::ScanRule::duplicate_member:
      return {"", "duplicate member", "the member '{}' is there twice"};
    case duckdb::ScanRule::field_count: return {"", "field count", "the row has {} fields"};
    case duckdb::ScanRule::encoding: return {"", "utf-8", "the bytes are not UTF-8"};
    case duckdb::ScanRule::count: break;
  }
  return {"", "record", "the record cannot be read"};
}

/// The table's column a source column goes to as it is; empty when an expression stands between.
std::string target_of(const PipelineParts& parts, std::string name) {
  for (const Step* step : parts.row_steps) {
    if (std::holds_alternative<AggregateStep>(*step)) return {};
    const auto* unnest = std::get_if<UnnestStep>(step);
    if (unnest != nullptr && same_name(unnest->column.name, name)) return {};
    const auto* select = std::get_if<SelectStep>(step);
    if (select == nullptr) continue;
    const auto item =
        std::find_if(select->items.begin(), select->items.end(),
                     [&](const SelectItem& it) { return it.expression.text == name; });
    if (item == select->items.end()) return {};
    name = item->name;
  }
  return parts.table->find_column(name) != nullptr ? name : "";
}

/// A rule of a source column; by kind, then by column.
RowRule column_rule(const PipelineParts& parts, const duckdb::ScanSlot& slot, size_t position) {
  const size_t columns = slot.columns().size();
  const ReadColumn& column = slot.columns()[position % columns];
  switch (static_cast<duckdb::ColumnRule>(position / columns)) {
    case duckdb::ColumnRule::required:
      return {target_of(parts, column.name), "required", "a value is required"};
    case duckdb::ColumnRule::absent:
      return {column.name, "absent", "the value is absent, and the read step rejects that"};
    case duckdb::ColumnRule::null:
      return {column.name, "null", "the value is null, and the read step rejects that"};
    case duckdb::ColumnRule::empty:
      return {column.name, "empty", "the text is empty, and the read step rejects that"};
    default: break;
  }
  const std::string type = column.type.to_string();
  return {column.name, type, "'{}' does not fit " + type};
}

std::vector<size_t> required_sources(const PipelineParts& parts) {
  const Table& table = *parts.table;
  std::vector<size_t> required;
  for (size_t i = 0; i < parts.source_columns.size(); ++i) {
    const std::string target = target_of(parts, parts.source_columns[i].name);
    if (target.empty()) continue;
    const bool in_key = std::find(table.key.begin(), table.key.end(), target) != table.key.end();
    if (in_key || table.find_column(target)->required()) required.push_back(i);
  }
  return required;
}

/// List columns that the steps name only as `len(column)`. They must not reach the table as they
/// are, so there has to be a select; nor a step that keeps or shows whole rows.
std::vector<size_t> length_only_sources(const PipelineParts& parts) {
  std::vector<size_t> found;
  for (const Step* step : parts.row_steps) {
    if (!std::holds_alternative<SelectStep>(*step) && !std::holds_alternative<WhereStep>(*step)) {
      return found;
    }
  }
  const bool selects =
      std::any_of(parts.row_steps.begin(), parts.row_steps.end(),
                  [](const Step* step) { return std::holds_alternative<SelectStep>(*step); });
  for (size_t i = 0; selects && i < parts.source_columns.size(); ++i) {
    const ReadColumn& column = parts.source_columns[i];
    if (column.type.kind != TypeKind::list) continue;
    bool only = true;
    for (const Step* step : parts.row_steps) {
      if (const auto* where = std::get_if<WhereStep>(step)) {
        only = only && names_length_only(where->predicate.text, column.name);
      }
      if (const auto* select = std::get_if<SelectStep>(step)) {
        for (const SelectItem& item : select->items) {
          only = only && names_length_only(item.expression.text, column.name);
        }
      }
    }
    if (only) found.push_back(i);
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<LoadTransaction>> Session::begin() {
  if (server_ == nullptr) return begin_in_file(*connection_);
  if (purpose_ == LoadPurpose::load) return begin_on_server(*server_);
  return begin_within(*server_, transaction_lost_);
}

Result<void> Session::ready_tables(const Project& project, TableLocks* locks) {
  ddl_.clear();
  missing_.clear();
  if (server_ != nullptr && purpose_ != LoadPurpose::load) WEIR_TRY(ready_ledger());
  const size_t before = ddl_.size();
  WEIR_TRY(ready_table(*parts_.table, locks));
  table_made_ = ddl_.size() > before;
  if (table_made_ && load_ != nullptr) load_->table_made();
  std::map<const Table*, Result<void>> ready = {{parts_.table, {}}};
  for (const Reference& reference : WEIR_TRY(find_references(project, *parts_.table))) {
    auto at = ready.find(reference.parent);
    if (at == ready.end()) {
      at = ready.emplace(reference.parent, ready_table(*reference.parent, locks)).first;
    }
    // A parent that differs elsewhere than in the column that is asked for does no harm.
    if (!at->second && !WEIR_TRY(has_column(*reference.parent, reference.parent_column))) {
      return at->second;
    }
  }
  return {};
}

Result<bool> Session::has_column(const Table& table, const std::string& column) {
  const FoundTable found = WEIR_TRY(catalog_->find(table));
  return found.find_column(column) != nullptr;
}

/// What loads would make when the server is reached: a plan has it made, if at all, within itself.
Result<void> Session::ready_ledger() {
  has_ledger_ = WEIR_TRY(has_server_ledger(*server_, engine_));
  if (has_ledger_) return {};
  ddl_ = server_ledger_ddl(*server_, engine_);
  if (!makes_missing()) return {};
  for (const std::string& ddl : ddl_) WEIR_TRY(make_on_server(*server_, ddl));
  has_ledger_ = true;
  return {};
}

/// A plan on MySQL makes nothing: its DDL would be committed.
bool Session::makes_missing() const {
  if (purpose_ == LoadPurpose::load) return true;
  return purpose_ == LoadPurpose::rehearse && engine_ != Engine::mysql;
}

Result<void> Session::ready_table(const Table& table, TableLocks* locks) {
  const TableDrift drift = WEIR_TRY(compare_structure(*catalog_, table));
  if (!drift.is_missing()) return refuse_drift(drift);
  const std::vector<std::string>& ddl = drift.differences.front().ddl;
  ddl_.insert(ddl_.end(), ddl.begin(), ddl.end());
  if (!makes_missing()) {
    missing_.insert(table.name);
    return {};
  }
  if (server_ != nullptr) {
    for (const std::string& statement : ddl) WEIR_TRY(make_on_server(*server_, statement));
    return {};
  }
  // Another session, or a plan that has it rolled back later, may be at it.
  TableLocks::Held lock;
  if (locks != nullptr) lock = locks->take({table.name}, TableLocks::Use::alone);
  return ensure_table(*connection_, table);
}

/// Around everything: what is made is a part of it.
Result<void> Session::begin_plan(duckdb::Database& database) {
  if (purpose_ == LoadPurpose::load) return {};
  if (server_ != nullptr) {
    return purpose_ == LoadPurpose::rehearse && makes_missing() ? server_->begin() : Result<void>();
  }
  WEIR_TRY(prepare_conversions(database, *parts_.table));
  using Access = duckdb::Transaction::Access;
  transaction_.emplace(WEIR_TRY(duckdb::Transaction::begin(
      *connection_, purpose_ == LoadPurpose::examine ? Access::read_only : Access::read_write)));
  return {};
}

/// Where nothing is made, a plan's transaction begins once its temporary tables are there: the
/// server makes none in one that only reads.
Result<void> Session::begin_late() {
  if (server_ == nullptr || purpose_ == LoadPurpose::load || makes_missing()) return {};
  return purpose_ == LoadPurpose::examine ? server_->begin_snapshot() : server_->begin();
}

Result<std::unique_ptr<Session>> Session::open(const Project& project, const Pipeline& pipeline,
                                               duckdb::Database& database, SessionOptions options) {
  auto session = std::unique_ptr<Session>(new Session);
  session->parts_ = WEIR_TRY(take_apart(project, pipeline));
  session->purpose_ = options.purpose;
  session->dictionary_version_ = pipeline::dictionary_version(*session->parts_.table, pipeline);
  session->connection_ = WEIR_TRY(database.connect());
  session->engine_ = project.find_database(session->parts_.table->database)->engine;
  session->server_ = std::move(options.server);
  const PipelineParts& parts = session->parts_;
  if (session->engine_ != Engine::duckdb && session->server_ == nullptr) {
    return fail(ErrorCode::not_yet, "this does not work on servers yet", "",
                parts.pipeline->location);
  }
  if (session->server_ != nullptr) {
    session->catalog_ = server_catalog(*session->server_, session->engine_);
  } else {
    session->catalog_ = std::make_unique<DuckdbCatalog>(*session->connection_);
  }
  WEIR_TRY(session->begin_plan(database));
  WEIR_TRY(session->ready_tables(project, options.table_locks));
  if (session->purpose_ == LoadPurpose::rehearse && !session->ddl_.empty() &&
      !session->makes_missing()) {
    session->purpose_ = LoadPurpose::examine;
  }

  std::string source;
  int64_t slot = 0;
  if (parts.read != nullptr) {
    session->slot_ = std::make_unique<duckdb::ScanSlot>(database, parts.read->format,
                                                        parts.source_columns, parts.read->csv);
    session->slot_->set_required(required_sources(parts));
    session->slot_->set_defaults(defaulted_sources(parts));
    session->slot_->set_lengths_only(length_only_sources(parts));
    slot = session->slot_->id();
    source = fmt::format("SELECT * FROM weir_scan({})", slot);
    session->first_rule_ = session->slot_->first_sql_rule();
  } else {
    // Verdicts on the rows of a query go to a slot too; it has no inputs of its own.
    session->slot_ = std::make_unique<duckdb::ScanSlot>(database, Format::json,
                                                        std::vector<ReadColumn>{}, CsvDialect{});
    slot = session->slot_->id();
    source = WEIR_TRY(session->query_source(project, options.databases));
    session->first_rule_ = session->slot_->first_sql_rule();
  }
  std::unique_ptr<const ServerDialect> dialect;
  if (session->server_ != nullptr) {
    dialect = ServerDialect::of(session->engine_, *session->server_);
  }
  RowQuery query = WEIR_TRY(compile_rows(parts, database, *session->connection_, source, slot,
                                         session->first_rule_, dialect.get()));
  session->rules_ = query.rules;
  session->folds_ = std::make_unique<RowFolds>(*session->connection_, std::move(query.folds));
  WEIR_TRY(session->make_load(project, std::move(query), std::move(options.load)));
  WEIR_TRY(session->begin_late());
  return session;
}

/// SQL of the rows that a sql step gives.
Result<std::string> Session::query_source(const Project& project, Databases* databases) {
  if (!parts_.fetched) return sql_source(*parts_.sql);
  fetched_ = WEIR_TRY(FetchedQuery::open(*connection_, project, parts_, databases, server_.get()));
  return fetched_->source();
}

Result<void> Session::make_load(const Project& project, RowQuery query, TableLoadOptions options) {
  static std::atomic<int> serial{0};
  const std::string stage = fmt::format("weir_stage_{}", ++serial);
  const LoadMode mode = parts_.load->mode;
  options.missing = missing_;
  options.writes = purpose_ != LoadPurpose::examine;
  options.counts_on_write = purpose_ == LoadPurpose::load;
  if (options.writes) options.over = nullptr;
  if (server_ != nullptr) {
    load_ = WEIR_TRY(ServerLoad::make(*connection_, *server_, engine_, project, *parts_.table, mode,
                                      std::move(query), stage, std::move(options)));
    ledger_ = std::make_unique<ServerLedger>(*server_, engine_);
  } else {
    load_ = WEIR_TRY(DuckdbLoad::make(*connection_, project, *parts_.table, mode, std::move(query),
                                      stage, std::move(options)));
    ledger_ = std::make_unique<DuckdbLedger>(*connection_);
  }
  if (table_made_) load_->table_made();
  return load_->prepare();
}

LedgerKey Session::ledger_key(const std::optional<ObjectRef>& object) const {
  return {parts_.pipeline->name, static_cast<int>(parts_.pipeline->steps.size()) - 1, object};
}

int Session::load_rule_number(size_t index) const {
  return first_rule_ + static_cast<int>(rules_.size() + index);
}

RowRule Session::rule(int number) const {
  const int scan_rules = static_cast<int>(duckdb::ScanRule::count);
  if (number < scan_rules) return scan_rule(static_cast<duckdb::ScanRule>(number));
  if (number < first_rule_) {
    return column_rule(parts_, *slot_, static_cast<size_t>(number - scan_rules));
  }
  const size_t index = static_cast<size_t>(number - first_rule_);
  if (index < rules_.size()) return rules_[index];
  return load_->rules().at(index - rules_.size());
}

void Session::sort_by_field(std::vector<Problem>& problems) const {
  const auto position = [](const auto& columns, const std::string& field) {
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [&](const auto& column) { return column.name == field; });
    return static_cast<size_t>(at - columns.begin());
  };
  const auto rank = [&](const Problem& problem) {
    const size_t source = position(parts_.source_columns, problem.field);
    return source < parts_.source_columns.size() ? source
                                                 : position(parts_.table->columns, problem.field);
  };
  if (problems.size() < 2) return;
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
}

bool Session::uses_run_variables() const {
  return load_->parameter_count() > 0 || folds_->uses_run_variables();
}

Result<std::vector<duckdb::Parameter>> Session::parameters(Timestamp scheduled_for) {
  return run_parameters(*parts_.pipeline, scheduled_for, load_->parameter_count(),
                        [this](const std::string& name) { return load_->parameter_index(name); });
}

Result<std::vector<FoldCounts>> Session::fold(size_t inputs, Timestamp scheduled_for) {
  return folds_->run(inputs, [&](const duckdb::Statement& statement) {
    return run_parameters(statement, *parts_.pipeline, scheduled_for);
  });
}

Result<void> Session::fetch(Timestamp scheduled_for, const std::atomic<bool>& stop) {
  return fetched_ != nullptr ? fetched_->fetch(scheduled_for, stop) : Result<void>();
}

void Session::interrupt() {
  if (fetched_ != nullptr) fetched_->interrupt();
  if (server_ != nullptr) server_->interrupt();
  connection_->interrupt();
}

void Session::clear_rows() {
  static_cast<void>(folds_->clear());
  if (fetched_ != nullptr) static_cast<void>(fetched_->clear());
}

}  // namespace weir::pipeline
