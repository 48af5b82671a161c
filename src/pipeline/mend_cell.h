#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/data_type.h"
#include "pipeline/source_record.h"

namespace weir::pipeline {

/// How one value stands in a cell of the CSV that people mend; nullopt is an empty cell, which
/// stands for null and for absent. A spreadsheet would take some texts for formulas (=1+1, @x, -a),
/// and bend some that look like numbers or dates (007, 9117776942963408674, 2021-01-31): those get
/// an apostrophe in front, which mended_value takes away again.
std::optional<std::string> mend_cell(const SourceValue& value, const DataType& type);

/// What a cell says, given the value the record had. A cell that says what mend_cell showed leaves
/// the value as it was, be it null, absent or empty; so does one whose apostrophe or \r the
/// spreadsheet lost.
SourceValue mended_value(const std::optional<std::string>& cell, const SourceValue& before,
                         const DataType& type);

/// The text in a form no spreadsheet takes for anything else; `number`: it is one, and may be
/// spelled anew.
std::string guarded(std::string_view text, bool number);
/// Takes guarded()'s apostrophe away; any other text stays.
std::string_view unguarded(std::string_view cell);

}  // namespace weir::pipeline
