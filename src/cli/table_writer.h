#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"

namespace weir::cli {

enum class Align { left, right };
enum class Fit { cut, whole };  ///< whole: never cut, however narrow the terminal

struct TableColumn {
  std::string name;
  Align align = Align::left;
  Fit fit = Fit::cut;
};

using TableRow = std::vector<std::optional<std::string>>;

/// Prints rows as an aligned table, in bounded memory: the first `looked_at` rows (or bytes) decide
/// the widths. On a terminal cells are cut so that a row fits its width. Cells are made visible
/// (display_text.h).
class TableWriter {
 public:
  static constexpr size_t looked_at = 1000;
  static constexpr size_t looked_at_bytes = 4u << 20;

  /// `null_text` stands for a missing cell; `indent` before every line.
  TableWriter(Output& output, std::vector<TableColumn> columns, std::string null_text,
              std::string indent = {});
  /// False: nobody reads any more.
  bool add(const TableRow& row);
  /// Prints what is left; a table without rows still has its head.
  bool finish();

 private:
  using Cells = std::vector<std::string>;
  bool print_head();
  bool print(const Cells& cells);
  void choose_widths();

  Output& output_;
  std::vector<TableColumn> columns_;
  const std::string null_text_;
  const std::string indent_;
  std::vector<Cells> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<size_t> widths_;  // empty until chosen
};

}  // namespace weir::cli
