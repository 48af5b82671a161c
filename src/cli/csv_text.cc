#include "cli/csv_text.h"

namespace weir::cli {

std::string csv_line(const TableRow& row) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += ',';
    if (!row[i]) continue;
    const std::string& cell = *row[i];
    if (!cell.empty() && cell.find_first_of(",\"\r\n") == std::string::npos) {
      line += cell;
      continue;
    }
    line += '"';
    for (const char c : cell) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  // A lone NULL would be an empty line, which readers skip.
  if (row.size() == 1 && line.empty()) line = "\"\"";
  return line + "\n";
}

}  // namespace weir::cli
