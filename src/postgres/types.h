#pragma once

#include <cstdint>
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

/// weir's type for a column of a query's, of the type with this number in pg_type and this
/// modifier; of a domain a query tells the type below it. A numeric without digits of its own, or
/// with more than weir has, is varchar, because nothing says which digits come: sum(bigint) is one.
DataType query_type(uint32_t type, int modifier);

}  // namespace weir::postgres
