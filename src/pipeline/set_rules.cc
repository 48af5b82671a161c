#include "pipeline/set_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/produced_row.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

// Where the rules of the key stand in rules().
constexpr size_t key_in_input = 0;
constexpr size_t key_in_table = 1;

/// What is shown of a value.
std::string value_sql(const std::string& expression) {
  return "left(CAST(" + expression + " AS VARCHAR), 200)";
}

}  // namespace

std::string target_name(const Table& table) {
  return quote_identifier(table.schema.empty() ? "main" : table.schema) + "." +
         quote_identifier(table.name.value());
}

std::string empty_relation(const Table& table) {
  std::string columns;
  for (const Column& column : table.columns) {
    columns += fmt::format("{}CAST(NULL AS {}) AS {}", columns.empty() ? "" : ", ",
                           duckdb::sql_type(column.type), quote_identifier(column.name));
  }
  return "(SELECT " + columns + " WHERE FALSE)";
}

Result<std::vector<Reference>> find_references(const Project& project, const Table& table) {
  std::vector<Reference> found;
  for (const Column& column : table.columns) {
    for (const Rule& rule : column.rules) {
      if (rule.kind != RuleKind::references) continue;
      const Table* parent = project.find_table(TableName(rule.argument));
      if (parent == nullptr) {
        return fail(ErrorCode::invalid_project, "unknown table '" + rule.argument + "'", "",
                    rule.location);
      }
      std::string name = rule.column;
      if (name.empty() && parent->key.size() == 1) name = parent->key.front();
      if (parent->find_column(name) == nullptr) {
        return fail(ErrorCode::invalid_project,
                    fmt::format("the rule '{}' names no column of table '{}'", rule.text,
                                parent->name.value()),
                    fmt::format("name one: references {}(COLUMN)", parent->name.value()),
                    rule.location);
      }
      found.push_back({&column, &rule, parent, std::move(name)});
    }
  }
  return found;
}

SetRules::SetRules(duckdb::Connection& connection, const Table& table, LoadMode mode,
                   std::vector<Reference> references, RelationOf relation_of,
                   const std::string& stage, const RowQuery& query)
    : connection_(connection),
      table_(table),
      mode_(mode),
      relation_of_(std::move(relation_of)),
      stage_("temp." + quote_identifier(stage)),
      verdicts_("temp." + quote_identifier(stage + "_verdicts")),
      repeats_("temp." + quote_identifier(stage + "_repeats")),
      links_{"temp." + quote_identifier(stage + "_links"),
             "temp." + quote_identifier(stage + "_links_before")},
      identity_(query.identity),
      produced_(query.produced) {
  if (!table.key.empty()) {
    const std::string& field = table.key.front();
    rules_.push_back({field, "key", "an earlier row of the input has the key {}"});
    rules_.push_back({field, "key", "the table already has the key {}"});
  }
  for (const Column& column : table.columns) {
    const auto rule = std::find_if(column.rules.begin(), column.rules.end(),
                                   [](const Rule& each) { return each.kind == RuleKind::unique; });
    if (rule == column.rules.end()) continue;
    unique_.push_back(&column);
    rules_.push_back({column.name, rule->text, "an earlier row of the input has the value '{}'"});
    rules_.push_back({column.name, rule->text, "the table already has the value '{}'"});
  }
  for (Reference& reference : references) {
    (reference.parent->name == table.name ? self_ : references_).push_back(std::move(reference));
  }
  const auto add_rules = [&](const std::vector<Reference>& all) {
    for (const Reference& each : all) {
      rules_.push_back({each.column->name, each.rule->text,
                        fmt::format("no row of table '{}' has '{{}}' as its {}",
                                    each.parent->name.value(), each.parent_column)});
    }
  };
  add_rules(references_);
  add_rules(self_);
}

std::string SetRules::key_list(std::string_view prefix) const {
  std::string list;
  for (const std::string& name : table_.key) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, quote_identifier(name));
  }
  return list;
}

std::string SetRules::same_key(std::string_view left, std::string_view right) const {
  std::string all;
  for (const std::string& key : table_.key) {
    const std::string name = quote_identifier(key);
    all += fmt::format("{0}{1}.{3} = {2}.{3}", all.empty() ? "" : " AND ", left, right, name);
  }
  return all;
}

std::string SetRules::key_text() const {
  return fmt::format("left(concat_ws(', ', {}), 200)", key_list("s."));
}

/// The stage's rows without those that went in an earlier round.
std::string SetRules::rows_before(int round) const {
  if (!out_) return stage_;
  return fmt::format(
      "(SELECT s.* FROM {} s WHERE NOT EXISTS (SELECT 1 FROM {} v WHERE v.weir_row = s.weir_row "
      "AND v.round < {}))",
      stage_, verdicts_, round);
}

/// The target's rows that stay as they are.
std::string SetRules::staying_target(int round) const {
  const std::string target = relation_of_(table_);
  if (mode_ == LoadMode::replace) return "(SELECT * FROM " + target + " WHERE FALSE)";
  if (mode_ != LoadMode::merge) return target;
  return fmt::format("(SELECT t.* FROM {} t WHERE NOT EXISTS (SELECT 1 FROM {} a WHERE {}))",
                     target, rows_before(round), same_key("a", "t"));
}

Result<void> SetRules::prepare() {
  if (!any()) return {};
  WEIR_TRY(connection_.run(fmt::format(
      "CREATE OR REPLACE TEMP TABLE {} (weir_row {}, rule INTEGER, round INTEGER, value VARCHAR)",
      verdicts_, row_sql_type(identity_))));
  return {};
}

Result<void> SetRules::clear() {
  out_ = false;
  shared_keys_ = false;
  if (any()) WEIR_TRY(connection_.run("TRUNCATE " + verdicts_));
  return {};
}

/// `select` gives weir_row, rule, value.
Result<uint64_t> SetRules::take_out(const std::string& select) {
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("INSERT INTO {} SELECT weir_row, weir_rule, {}, weir_value FROM ({})", verdicts_,
                  round_, select)));
  const auto taken = static_cast<uint64_t>(rows.changed());
  out_ = out_ || taken > 0;
  return taken;
}

Result<bool> SetRules::finds(const std::string& select) {
  return WEIR_TRY(connection_.run(select + " LIMIT 1")).size() > 0;
}

Result<std::vector<SetCounts>> SetRules::judge(size_t inputs, const RejectRow& reject_row) {
  if (!any()) return std::vector<SetCounts>(inputs);
  round_ = 0;
  WEIR_TRY(judge_references());
  round_ = 1;
  if (!table_.key.empty()) WEIR_TRY(judge_key(inputs));
  if (inputs > 1) WEIR_TRY(check_apart());
  const size_t first_unique = table_.key.empty() ? 0 : 2;
  const size_t first_self = first_unique + 2 * unique_.size() + references_.size();
  bool again = !unique_.empty() || !self_.empty();
  while (again) {
    ++round_;
    uint64_t taken = 0;
    for (size_t i = 0; i < unique_.size(); ++i) {
      taken += WEIR_TRY(judge_unique(*unique_[i], first_unique + 2 * i));
    }
    for (size_t i = 0; i < self_.size(); ++i) {
      taken += WEIR_TRY(judge_self_reference(self_[i], first_self + i));
    }
    if (taken > 0 && self_.size() == 1 && names_key(self_.front())) {
      WEIR_TRY(take_out_descendants(self_.front(), first_self));
    }
    // A row that goes leaves its children behind; in a merge the target keeps its old row, too.
    again = taken > 0 && (mode_ == LoadMode::merge || !self_.empty());
  }
  if (!out_) return std::vector<SetCounts>(inputs);
  WEIR_TRY(tell(reject_row));
  return counts(inputs);
}

Result<void> SetRules::judge_references() {
  const size_t first = (table_.key.empty() ? 0 : 2) + 2 * unique_.size();
  for (size_t i = 0; i < references_.size(); ++i) {
    const Reference& reference = references_[i];
    const std::string column = "s." + quote_identifier(reference.column->name);
    WEIR_TRY(take_out(fmt::format(
        "SELECT s.weir_row, {} AS weir_rule, {} AS weir_value FROM {} s WHERE {} IS NOT NULL AND "
        "NOT EXISTS (SELECT 1 FROM {} p WHERE p.{} = {})",
        first + i, value_sql(column), stage_, column, relation_of_(*reference.parent),
        quote_identifier(reference.parent_column), column)));
  }
  return {};
}

/// What repeats goes into a small table of its own: joined with that, the stage is read through
/// rather than held.
Result<void> SetRules::judge_key(size_t inputs) {
  const std::string rows = rows_before(round_);
  const std::string input = input_sql(identity_);
  const bool merges = mode_ == LoadMode::merge;
  const bool rejects = mode_ == LoadMode::append || mode_ == LoadMode::replace;
  const std::string shown = rejects ? key_text() : "NULL";
  const auto repeated = WEIR_TRY(connection_.run(fmt::format(
      "CREATE OR REPLACE TEMP TABLE {} AS SELECT {}, {}(weir_row) AS weir_kept, "
      "max({}) <> min({}) AS weir_shared FROM {} GROUP BY {} HAVING count(*) > 1",
      repeats_, key_list(""), merges ? "max" : "min", input, input, rows, key_list(""))));
  if (repeated.int64(0, 0) > 0) {
    shared_keys_ =
        inputs > 1 && WEIR_TRY(finds("SELECT 1 FROM " + repeats_ + " WHERE weir_shared"));
    if (merges && shared_keys_) return fail(ErrorCode::busy, "two inputs of one batch share a key");
    // The key of an earlier input counts as the table's: as if that one had been loaded before.
    std::string rule = rejects ? std::to_string(key_in_input) : "-1";
    if (rejects && shared_keys_) {
      rule = fmt::format(
          "CASE WHEN s.weir_row > min(s.weir_row) OVER (PARTITION BY {}, {}) THEN {} ELSE {} END",
          key_list("s."), input_sql(identity_, "s.weir_row"), key_in_input, key_in_table);
    }
    WEIR_TRY(take_out(fmt::format(
        "SELECT * FROM (SELECT s.weir_row, r.weir_kept, {} AS weir_rule, {} AS weir_value FROM {} "
        "s JOIN {} r ON {}) WHERE weir_row <> weir_kept",
        rule, shown, rows, repeats_, same_key("s", "r"))));
  }
  if (merges || mode_ == LoadMode::replace) return {};
  const std::string target = relation_of_(table_);
  if (!WEIR_TRY(finds("SELECT 1 FROM " + target))) return {};
  WEIR_TRY(take_out(fmt::format(
      "SELECT s.weir_row, {} AS weir_rule, {} AS weir_value FROM {} s WHERE EXISTS (SELECT 1 FROM "
      "{} t WHERE {})",
      rejects ? std::to_string(key_in_table) : "-1", shown, rows_before(round_ + 1), target,
      same_key("t", "s"))));
  return {};
}

/// No two rows with one value: against the rows of the target that stay, then among the stage's.
Result<uint64_t> SetRules::judge_unique(const Column& column, size_t rule) {
  const size_t in_input = rule;
  const size_t in_table = rule + 1;
  const std::string name = quote_identifier(column.name);
  const std::string shown = value_sql("s." + name);
  const std::string rows = rows_before(round_);
  const std::string target = relation_of_(table_);
  uint64_t taken = 0;
  if (mode_ == LoadMode::merge) {
    // Rows of one key are one row: only values that meet under different keys are looked into.
    taken += WEIR_TRY(take_out(fmt::format(
        "SELECT DISTINCT weir_row, {} AS weir_rule, weir_value FROM (SELECT s.weir_row, {} AS "
        "weir_value, {} FROM {} s JOIN {} t ON t.{} = s.{} WHERE NOT ({})) t WHERE NOT EXISTS "
        "(SELECT 1 FROM {} a WHERE {})",
        in_table, shown, key_list("t."), rows, target, name, name, same_key("t", "s"), rows,
        same_key("a", "t"))));
  } else if (mode_ != LoadMode::replace && WEIR_TRY(finds("SELECT 1 FROM " + target))) {
    taken += WEIR_TRY(take_out(
        fmt::format("SELECT s.weir_row, {} AS weir_rule, {} AS weir_value FROM {} s WHERE s.{} IS "
                    "NOT NULL AND EXISTS (SELECT 1 FROM {} t WHERE t.{} = s.{})",
                    in_table, shown, rows, name, target, name, name)));
  }
  const std::string left =
      taken == 0 ? rows
                 : fmt::format(
                       "(SELECT s.* FROM {} s WHERE NOT EXISTS (SELECT 1 FROM {} v WHERE "
                       "v.weir_row = s.weir_row AND v.rule = {}))",
                       rows, verdicts_, in_table);
  const auto repeated = WEIR_TRY(connection_.run(
      fmt::format("CREATE OR REPLACE TEMP TABLE {0} AS SELECT {1}, min(weir_row) AS weir_kept FROM "
                  "{2} WHERE {1} IS NOT NULL GROUP BY {1} HAVING count(*) > 1",
                  repeats_, name, left)));
  if (repeated.int64(0, 0) == 0) return taken;
  taken += WEIR_TRY(take_out(fmt::format(
      "SELECT s.weir_row, {} AS weir_rule, {} AS weir_value FROM {} s JOIN {} r ON s.{} "
      "= r.{} WHERE s.weir_row <> r.weir_kept",
      in_input, shown, left, repeats_, name, name)));
  return taken;
}

/// The parent is a row of the target that stays, or a row of the stage that is still in.
Result<uint64_t> SetRules::judge_self_reference(const Reference& reference, size_t rule) {
  const std::string column = "s." + quote_identifier(reference.column->name);
  const std::string parent = quote_identifier(reference.parent_column);
  const std::string rows = rows_before(round_);
  // A merge changes no key: who has the key in the target still has it.
  const bool by_key = table_.key.size() == 1 && table_.key.front() == reference.parent_column;
  const std::string staying =
      by_key && mode_ != LoadMode::replace ? relation_of_(table_) : staying_target(round_);
  return take_out(fmt::format(
      "SELECT s.weir_row, {0} AS weir_rule, {1} AS weir_value FROM {2} s WHERE {3} IS NOT NULL AND "
      "NOT EXISTS (SELECT 1 FROM {2} p WHERE p.{4} = {3}) AND NOT EXISTS (SELECT 1 FROM {5} t "
      "WHERE t.{4} = {3})",
      rule, value_sql(column), rows, column, parent, staying));
}

bool SetRules::names_key(const Reference& reference) const {
  return table_.key.size() == 1 && table_.key.front() == reference.parent_column;
}

/// A row whose parent goes has no other one when the parent is named by the key. Round after round
/// would take as long as the longest chain; here each step looks twice as far up as the one before.
Result<uint64_t> SetRules::take_out_descendants(const Reference& reference, size_t rule) {
  const std::string column = "s." + quote_identifier(reference.column->name);
  const std::string parent = quote_identifier(reference.parent_column);
  const std::string rows = rows_before(round_);
  const std::string staying =
      mode_ == LoadMode::replace ? staying_target(round_) : relation_of_(table_);
  const auto count_gone = [&](const std::string& links) -> Result<int64_t> {
    return WEIR_TRY(connection_.run("SELECT count(*) FROM " + links + " WHERE gone")).int64(0, 0);
  };
  // A link: a row, an ancestor of it in the stage, and whether one up to that ancestor is out.
  WEIR_TRY(connection_.run(fmt::format(
      "CREATE OR REPLACE TEMP TABLE {0} AS SELECT s.weir_row AS child, p.weir_row AS ancestor, "
      "EXISTS (SELECT 1 FROM {1} v WHERE v.weir_row = p.weir_row) AS gone FROM {2} s JOIN {2} p ON "
      "p.{3} = {4} WHERE s.weir_row <> p.weir_row AND NOT EXISTS (SELECT 1 FROM {5} t WHERE t.{3} "
      "= {4})",
      links_[0], verdicts_, rows, parent, column, staying)));
  int64_t before = 0;
  int64_t gone = WEIR_TRY(count_gone(links_[0]));
  while (gone > before) {
    WEIR_TRY(connection_.run(fmt::format(
        "CREATE OR REPLACE TEMP TABLE {} AS SELECT l.child, u.ancestor, l.gone OR coalesce(u.gone, "
        "FALSE) AS gone FROM {} l LEFT JOIN {} u ON u.child = l.ancestor",
        links_[1], links_[0], links_[0])));
    std::swap(links_[0], links_[1]);
    before = std::exchange(gone, WEIR_TRY(count_gone(links_[0])));
  }
  if (gone == 0) return 0;
  return take_out(fmt::format(
      "SELECT s.weir_row, {} AS weir_rule, {} AS weir_value FROM {} s JOIN {} l ON l.child = "
      "s.weir_row WHERE l.gone AND NOT EXISTS (SELECT 1 FROM {} v WHERE v.weir_row = s.weir_row)",
      rule, value_sql(column), stage_, links_[0], verdicts_));
}

/// What becomes of an input must not depend on what it shares a stage with. Inputs that share a
/// value, or one of which names a row of another, are loaded one after the other.
Result<void> SetRules::check_apart() {
  if (unique_.empty() && self_.empty()) return {};
  const auto fail_if = [&](bool linked) -> Result<void> {
    if (!linked) return {};
    return fail(ErrorCode::busy, "two inputs of one batch share a value");
  };
  WEIR_TRY(fail_if(shared_keys_));
  const std::string rows = rows_before(round_ + 1);
  const std::string target = relation_of_(table_);
  const std::string own = input_sql(identity_, "s.weir_row");
  const std::string other = input_sql(identity_, "a.weir_row");
  // A row of the target that another input of the merge replaces.
  const auto replaced = [&](const std::string& theirs, const std::string& ours) {
    return finds(
        fmt::format("SELECT 1 FROM {0} s JOIN {1} t ON t.{2} = s.{3} JOIN {0} a ON {4} "
                    "WHERE {5} <> {6}",
                    rows, target, theirs, ours, same_key("a", "t"), own, other));
  };
  for (const Column* column : unique_) {
    const std::string name = quote_identifier(column->name);
    WEIR_TRY(fail_if(WEIR_TRY(
        finds(fmt::format("SELECT 1 FROM {0} s WHERE {1} IS NOT NULL GROUP BY {1} HAVING max({2}) "
                          "<> min({2})",
                          rows, name, own)))));
    if (mode_ == LoadMode::merge) WEIR_TRY(fail_if(WEIR_TRY(replaced(name, name))));
  }
  for (const Reference& reference : self_) {
    const std::string name = quote_identifier(reference.column->name);
    const std::string parent = quote_identifier(reference.parent_column);
    WEIR_TRY(fail_if(
        WEIR_TRY(finds(fmt::format("SELECT 1 FROM {0} s JOIN {0} a ON a.{1} = s.{2} WHERE {3} <> "
                                   "{4}",
                                   rows, parent, name, own, other)))));
    if (mode_ == LoadMode::merge) WEIR_TRY(fail_if(WEIR_TRY(replaced(parent, name))));
  }
  return {};
}

Result<void> SetRules::tell(const RejectRow& reject_row) {
  const bool ordinals = identity_ == RowIdentity::record_and_ordinal;
  const duckdb::RowSink sink{
      nullptr, [&](const auto& cells) {
        reject_row({duckdb::parse_row_id(*cells[0], ordinals), std::stoul(*cells[1]),
                    cells[2].value_or(""), cells[3].value_or("")});
        return true;
      }};
  const std::string verdicts = "SELECT v.weir_row, v.rule, v.value, ";
  if (!produced_) {
    return connection_.stream(verdicts + "NULL FROM " + verdicts_ + " v WHERE v.rule >= 0", sink);
  }
  return connection_.stream(
      fmt::format("{} {} FROM {} v JOIN {} s ON s.weir_row = v.weir_row WHERE v.rule >= 0",
                  verdicts, produced_row(table_, "s."), verdicts_, stage_),
      sink);
}

Result<std::vector<SetCounts>> SetRules::counts(size_t inputs) {
  std::vector<SetCounts> counts(inputs);
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("SELECT {}, weir_rejected, count(*) FROM (SELECT DISTINCT weir_row, rule >= 0 AS "
                  "weir_rejected FROM {}) GROUP BY ALL",
                  input_sql(identity_), verdicts_)));
  for (size_t i = 0; i < rows.size(); ++i) {
    SetCounts& count = counts.at(static_cast<size_t>(rows.int64(i, 0)));
    (rows.int64(i, 1) != 0 ? count.rejected : count.deduplicated) =
        static_cast<uint64_t>(rows.int64(i, 2));
  }
  return counts;
}

}  // namespace weir::pipeline
