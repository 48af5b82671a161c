#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/pipeline.h"

namespace weir::pipeline {

/// One value of a record before any type: as its source spells it.
struct SourceValue {
  enum class Kind {
    absent,  ///< no such member; no such field
    null,
    text,  ///< a CSV field, a JSON string
    json,  ///< any other JSON value as it is spelled, and what a column of JSON or lists holds
  };
  Kind kind = Kind::absent;
  std::string text = {};

  bool operator==(const SourceValue&) const = default;
};

/// A record of a source as one value per declared column, in their order.
struct SourceRecord {
  std::vector<SourceValue> values;
  /// Why it is not known what all values are ("the row has 4 fields instead of 5"); empty: it is.
  std::string broken = {};
};

/// Whether the column's text is JSON, whatever the source's format.
bool holds_json(const DataType& type);

/// `raw` is one record without its line end; `header` the input's, empty when the dialect has none
/// (then fields go by position).
SourceRecord record_of_csv(std::string_view raw, const CsvDialect& dialect,
                           const std::vector<std::string>& header,
                           const std::vector<ReadColumn>& columns);

/// `raw` is one JSON object.
SourceRecord record_of_json(std::string_view raw, const std::vector<ReadColumn>& columns);

/// The record on one line, as JSON that reads as the same values. Nothing, when a column that holds
/// JSON has a text that is none: `misfit` is its position then.
std::optional<std::string> to_json_line(const SourceRecord& record,
                                        const std::vector<ReadColumn>& columns, size_t& misfit);

}  // namespace weir::pipeline
