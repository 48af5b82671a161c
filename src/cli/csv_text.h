#pragma once

#include <string>

#include "cli/table_writer.h"

namespace weir::cli {

/// One record as RFC 4180 quotes it, ended by '\n'. NULL is an empty field, an empty text is `""`.
std::string csv_line(const TableRow& row);

}  // namespace weir::cli
