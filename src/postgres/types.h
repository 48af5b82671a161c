#pragma once

#include <string>
#include <string_view>

#include "model/data_type.h"

namespace weir::postgres {

/// The type of a column that weir creates: "numeric(20,0)", "varchar(255)", "timestamptz",
/// "text[]".
///
/// Where Postgres has no such type: tinyint is smallint; hugeint is numeric(39,0), which holds its
/// 39 digits; json is `json`, not `jsonb`, because jsonb keeps neither the text's spaces nor its
/// order of members nor a number's spelling, and weir promises that text keeps its text.
std::string column_type(const DataType& type);

/// What the catalog's format_type() says, spelled as column_type() would: "character varying(255)"
/// becomes "varchar(255)". A column has drifted when the two differ.
std::string comparable_type(std::string_view format_type);

}  // namespace weir::postgres
