#pragma once

#include "config/values.h"
#include "model/pipeline.h"

namespace weir::config {

/// `unnest: hit` or `unnest: {column: hit, as: h, keep_empty: true}`
struct UnnestEntry {
  Located<std::string> column;
  std::optional<Located<std::string>> as;
  Located<bool> keep_empty{false, {}};
  Location location;
};
Value<UnnestEntry> unnest_value();

/// `dedupe: {by: [id], keep: newest, order_by: updated_at}`
struct DedupeEntry {
  std::vector<Located<std::string>> by;
  Located<DedupeKeep> keep{DedupeKeep::first, {}};
  std::optional<SqlText> order_by;
  Location location;
};
Value<DedupeEntry> dedupe_value();

/// `aggregate: {by: [city], columns: {rows: count(*)}}`
struct AggregateEntry {
  std::vector<Located<std::string>> by;
  std::vector<Named<SqlText>> columns;
  Location location;
};
Value<AggregateEntry> aggregate_value();

/// `check: a > b`, several of them, or `check: {name: a > b}`. A rule without a name is called by
/// its text.
struct CheckEntry {
  std::vector<Named<SqlText>> rules;
};
Value<CheckEntry> check_value();

}  // namespace weir::config
