#include "pipeline/server_refusals.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/produced_row.h"
#include "pipeline/server_tables.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;
using duckdb::quote_literal;

/// So many refused rows are kept before they go to the workshop.
constexpr size_t rows_at_once = 256;
/// So many rows beyond the limit are looked for as long as they may still be taken: a row that only
/// came before the one it needs must not be one too many.
constexpr uint64_t open_beyond_room = 100;

/// Names of the savepoint around an offer.
constexpr const char* begin_offer = "SAVEPOINT weir_offer";
constexpr const char* undo_offer = "ROLLBACK TO SAVEPOINT weir_offer";
constexpr const char* end_offer = "RELEASE SAVEPOINT weir_offer";

/// What the row itself breaks: a value, NOT NULL, CHECK. MySQL has one state for all constraints.
bool is_certain(const std::string& state) {
  return state.starts_with("22") || state == "23502" || state == "23514";
}

std::string rule_text(const server::Refusal& refusal) {
  if (!refusal.constraint.empty()) return "constraint " + refusal.constraint + " (server)";
  if (!refusal.routine.empty()) return "function " + refusal.routine + " (server)";
  const bool has_column = !refusal.column.empty();
  if (refusal.state == "23502" || (refusal.state == "23000" && has_column)) {
    return "not null (server)";
  }
  if (has_column || refusal.state.starts_with("22")) return "value (server)";
  return refusal.state.empty() ? "left out (server)" : "SQLSTATE " + refusal.state + " (server)";
}

std::string range(uint64_t begin, uint64_t end) {
  return fmt::format("weir_n >= {} AND weir_n < {}", begin, end);
}

}  // namespace

RowsRefusal rows_refusal(const Error& error, const server::Connection& server) {
  const bool may_be = error.code == ErrorCode::sql || error.code == ErrorCode::invalid_input;
  if (!may_be || !server.refusal().by_row) return std::nullopt;
  return server.refusal();
}

ServerRefusals::ServerRefusals(duckdb::Connection& workshop, server::Connection& server,
                               Engine engine, const Table& table, const RowQuery& query,
                               const std::string& stage_name, std::vector<RowRule>& rules)
    : workshop_(workshop),
      server_(server),
      engine_(engine),
      dialect_(ServerDialect::of(engine, server)),
      table_(table),
      query_(query),
      rules_(rules),
      first_rule_(rules.size()),
      offers_("temp." + quote_identifier(stage_name + "_offers")),
      again_("temp." + quote_identifier(stage_name + "_again")),
      refused_("temp." + quote_identifier(stage_name + "_refused")) {}

bool ServerRefusals::has_room() const {
  if (!room_) return true;
  return certain_ <= *room_ && certain_ + open_ <= *room_ + open_beyond_room;
}

Result<void> ServerRefusals::write(const std::string& rows, const std::vector<Column>& columns,
                                   const server::Refusal& first, const PutRows& put,
                                   const WriteRejects& rejects, LoadDecision& decision) {
  room_ = rejects.room;
  cancel_ = &rejects.cancel;
  columns_.clear();
  for (const Column& column : columns) {
    columns_ += (columns_.empty() ? "" : ", ") + quote_identifier(column.name);
  }
  WEIR_TRY(check_before_rows());
  WEIR_TRY(
      workshop_.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} (weir_row {}, rule BIGINT, "
                                "message VARCHAR, certain BOOLEAN)",
                                refused_, row_sql_type(query_.identity))));
  const uint64_t count = WEIR_TRY(number(rows, offers_));
  // Where the server names the row, all of them at once is the shortest way.
  uint64_t taken = WEIR_TRY(search(count, first.row > 0 ? count : (count + 1) / 2, put));
  while (taken > 0 && open_ > 0 && has_room()) {
    const uint64_t open = WEIR_TRY(
        number(fmt::format("SELECT o.* EXCLUDE (weir_n) FROM {} o JOIN {} r ON r.weir_row = "
                           "o.weir_row WHERE NOT r.certain",
                           offers_, refused_),
               again_));
    WEIR_TRY(workshop_.run(fmt::format("DELETE FROM {} WHERE NOT certain", refused_)));
    open_ = 0;
    taken = WEIR_TRY(search(open, 1, put));
  }
  WEIR_TRY(take_out(decision));
  WEIR_TRY(tell(rejects.reject_row));
  for (const std::string& table : {offers_, again_, refused_}) {
    WEIR_TRY(workshop_.run("DROP TABLE IF EXISTS " + table));
  }
  return {};
}

/// Keeps the rows of a SELECT in a table, numbered in the order of the input, to be offered next.
Result<uint64_t> ServerRefusals::number(const std::string& rows, const std::string& table) {
  round_ = table;
  const auto made = WEIR_TRY(workshop_.run(fmt::format(
      "CREATE OR REPLACE TEMP TABLE {} AS SELECT row_number() OVER (ORDER BY weir_row) - 1 AS "
      "weir_n, * FROM ({})",
      table, rows)));
  return static_cast<uint64_t>(made.int64(0, 0));
}

/// What waits for the end of the transaction must not be laid at the door of rows that come later.
Result<void> ServerRefusals::check_before_rows() {
  const std::string check = dialect_->check_now();
  if (check.empty()) return {};
  WEIR_TRY(server_.run(begin_offer));
  const auto checked = server_.run(check);
  if (!checked) {
    Error error = checked.error();
    error.message = fmt::format("table '{}': what mode replace deletes is still needed: {}",
                                table_.name.value(), error.message);
    return fail(std::move(error));
  }
  WEIR_TRY(server_.run(undo_offer));
  WEIR_TRY(server_.run(end_offer));
  return {};
}

Result<uint64_t> ServerRefusals::search(uint64_t rows, uint64_t first, const PutRows& put) {
  const uint64_t taken = WEIR_TRY(find_refused_rows(
      rows, first, [&](uint64_t begin, uint64_t end) { return offer(begin, end, put); },
      [&](uint64_t row) { return refuse(row); }));
  WEIR_TRY(flush());
  return taken;
}

Result<OfferAnswer> ServerRefusals::offer(uint64_t begin, uint64_t end, const PutRows& put) {
  if (*cancel_) return fail(ErrorCode::cancelled, "the run was stopped");
  const std::string offered = fmt::format("FROM {} WHERE {}", round_, range(begin, end));
  const auto counts = WEIR_TRY(workshop_.run(
      "SELECT count(*) FILTER (WHERE weir_changes), count(*) FILTER (WHERE NOT weir_changes) " +
      offered));
  const auto select = [&](std::string_view which) {
    return fmt::format("SELECT {} {} AND {} ORDER BY weir_n", columns_, offered, which);
  };
  WEIR_TRY(server_.run(begin_offer));
  const std::string defer = dialect_->defer_checks();
  if (!defer.empty()) WEIR_TRY(server_.run(defer));
  const RowsRefusal refusal =
      WEIR_TRY(put({select("weir_changes"), static_cast<uint64_t>(counts.int64(0, 0)),
                    select("NOT weir_changes"), static_cast<uint64_t>(counts.int64(0, 1))}));
  OfferAnswer answer{!refusal, {}};
  if (refusal) {
    last_ = *refusal;
    WEIR_TRY(server_.run(undo_offer));
    answer.named = WEIR_TRY(row_named(begin, end));
  }
  WEIR_TRY(server_.run(end_offer));
  return answer;
}

/// The number of the row that the server names by its place among those it was sent.
Result<std::optional<uint64_t>> ServerRefusals::row_named(uint64_t begin, uint64_t end) {
  if (last_.row == 0 || last_.row > end - begin) return std::nullopt;
  const auto found = WEIR_TRY(workshop_.run(
      fmt::format("SELECT weir_n FROM {} WHERE {} ORDER BY weir_changes DESC, weir_n LIMIT 1 "
                  "OFFSET {}",
                  round_, range(begin, end), last_.row - 1)));
  return static_cast<uint64_t>(found.int64(0, 0));
}

Result<bool> ServerRefusals::refuse(uint64_t row) {
  const bool certain = is_certain(last_.state);
  fresh_.push_back({row, WEIR_TRY(rule_of(last_)), last_.message, certain});
  ++(certain ? certain_ : open_);
  if (fresh_.size() == rows_at_once) WEIR_TRY(flush());
  return has_room();
}

Result<void> ServerRefusals::flush() {
  if (fresh_.empty()) return {};
  std::string values;
  for (const Refused& refused : fresh_) {
    values += fmt::format("{}({}, {}, {}, {})", values.empty() ? "" : ", ", refused.row,
                          refused.rule, quote_literal(refused.message), refused.certain);
  }
  fresh_.clear();
  WEIR_TRY(workshop_.run(
      fmt::format("INSERT INTO {} SELECT o.weir_row, v.rule, v.message, v.certain FROM (VALUES {}) "
                  "v(n, rule, message, certain) JOIN {} o ON o.weir_n = v.n",
                  refused_, values, round_)));
  return {};
}

/// The place of what was broken in rules_.
Result<size_t> ServerRefusals::rule_of(const server::Refusal& refusal) {
  const std::string text = rule_text(refusal);
  const auto known = std::ranges::find_if(broken_, [&](const Broken& broken) {
    return broken.text == text && broken.column == refusal.column;
  });
  if (known != broken_.end()) return first_rule_ + static_cast<size_t>(known - broken_.begin());
  Broken broken{text, refusal.column, {}};
  if (!refusal.column.empty()) {
    broken.columns = {refusal.column};
  } else if (!refusal.constraint.empty()) {
    broken.columns = WEIR_TRY(constraint_columns(server_, engine_, table_, refusal.constraint));
  }
  std::erase_if(broken.columns,
                [&](const std::string& name) { return table_.find_column(name) == nullptr; });
  std::string field;
  for (const std::string& name : broken.columns) field += (field.empty() ? "" : ", ") + name;
  rules_.push_back({field, text, "the server refuses the row"});
  broken_.push_back(std::move(broken));
  return rules_.size() - 1;
}

Result<void> ServerRefusals::take_out(LoadDecision& decision) {
  const auto rows = WEIR_TRY(workshop_.run(
      fmt::format("SELECT {}, o.weir_changes, count(*) FROM {} o JOIN {} r ON r.weir_row = "
                  "o.weir_row GROUP BY ALL",
                  input_sql(query_.identity, "o.weir_row"), offers_, refused_)));
  for (size_t i = 0; i < rows.size(); ++i) {
    LoadCounts& counts = decision.inputs.at(static_cast<size_t>(rows.int64(i, 0)));
    const auto refused = static_cast<uint64_t>(rows.int64(i, 2));
    (rows.int64(i, 1) != 0 ? counts.updated : counts.inserted) -= refused;
    counts.rejected += refused;
  }
  return {};
}

Result<void> ServerRefusals::tell(const SetRules::RejectRow& reject_row) {
  std::string value = "CASE r.rule";
  for (size_t i = 0; i < broken_.size(); ++i) {
    std::string shown;
    for (const std::string& name : broken_[i].columns) {
      shown += ", CAST(o." + quote_identifier(name) + " AS VARCHAR)";
    }
    if (!shown.empty())
      value += fmt::format(" WHEN {} THEN concat_ws(', '{})", first_rule_ + i, shown);
  }
  // Without a column to show there is no WHEN.
  value = value.ends_with("rule") ? "''" : "left(" + value + " ELSE '' END, 200)";
  const bool ordinals = query_.identity == RowIdentity::record_and_ordinal;
  const duckdb::RowSink sink{
      nullptr, [&](const auto& cells) {
        reject_row({duckdb::parse_row_id(*cells[0], ordinals), std::stoul(*cells[1]),
                    cells[2].value_or(""), cells[3].value_or(""), cells[4].value_or("")});
        return true;
      }};
  return workshop_.stream(
      fmt::format(
          "SELECT r.weir_row, r.rule, {}, {}, r.message FROM {} r JOIN {} o ON o.weir_row = "
          "r.weir_row",
          value, query_.produced ? produced_row(table_, "o.") : "NULL", refused_, offers_),
      sink);
}

}  // namespace weir::pipeline
