#include "config/table_entry.h"

#include <limits>

namespace weir::config {
namespace {

Value<StopAtEntry> stop_at_value() {
  return Record<StopAtEntry>("stop_at", "When a run gives up; whichever is exceeded first.")
      .optional("rejected", &StopAtEntry::rejected,
                integer_value(0, std::numeric_limits<int64_t>::max()),
                "Most rejected rows of one run.", "1000")
      .optional("ratio", &StopAtEntry::ratio, ratio_value(),
                "Largest share of rejected rows, judged once the input has been read.", "5%")
      .value();
}

}  // namespace

Value<TableEntry> table_value() {
  return Record<TableEntry>("table",
                            "An entry of the data dictionary. It drives the table's "
                            "creation, the check of every row and the documentation.")
      .required("in", &TableEntry::in, text_value("the name of a database"),
                "The database the table lives in.", "warehouse")
      .optional("schema", &TableEntry::schema, text_value("the name of a schema"),
                "The database's schema (MySQL: database). Left out: the database's default.",
                "monks")
      .required("columns", &TableEntry::columns, named(any_name("column"), column_value()),
                "The columns in order: `name: type | rule | rule`.",
                "{id: bigint | key, name: varchar(255) | required}")
      .optional("key", &TableEntry::key, list(text_value("the name of a column")),
                "The columns that tell rows apart; also given by the rule `key`.", "[id]")
      .optional(
          "on_bad_row", &TableEntry::on_bad_row,
          choice_value<OnBadRow>({{"quarantine", OnBadRow::quarantine}, {"fail", OnBadRow::fail}}),
          "What a row that breaks a rule does: it is set aside, or it fails the run.", "fail")
      .optional("stop_at", &TableEntry::stop_at, stop_at_value(), "When a run gives up.",
                "{rejected: 1000, ratio: 5%}")
      .optional("lineage", &TableEntry::lineage, boolean_value(),
                "The database's table also has `weir_run` and `weir_element`: which record of "
                "which run each row is.",
                "true")
      .value();
}

}  // namespace weir::config
