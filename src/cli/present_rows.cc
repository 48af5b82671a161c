#include <algorithm>

#include "cli/csv_text.h"
#include "cli/display_text.h"
#include "cli/frames.h"
#include "cli/json_cell.h"
#include "cli/presenter.h"
#include "cli/table_writer.h"

namespace weir::cli {
namespace {

/// One way to print columns and rows.
class RowPrinter {
 public:
  virtual ~RowPrinter() = default;
  virtual bool columns(const std::vector<ResultColumn>& columns) = 0;
  virtual bool row(const TableRow& row) = 0;
  virtual bool end() = 0;
};

class TableRows final : public RowPrinter {
 public:
  TableRows(Output& output, RowsStyle style) : output_(output), style_(std::move(style)) {}

  bool columns(const std::vector<ResultColumn>& columns) override {
    std::vector<TableColumn> shown;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto& [name, type] = columns[i];
      if (std::count(style_.left_out.begin(), style_.left_out.end(), name) > 0) continue;
      const CellKind kind = cell_kind(type);
      const bool number = kind == CellKind::integer || kind == CellKind::floating ||
                          type == "HUGEINT" || type.starts_with("DECIMAL");
      const bool short_time = type == "TIMESTAMP" && style_.times == Times::to_the_second;
      shown_.push_back({i, short_time ? Times::to_the_second : Times::whole});
      shown.push_back({name, number ? Align::right : Align::left,
                       name == style_.whole_column ? Fit::whole : Fit::cut});
    }
    table_.emplace(output_, std::move(shown), style_.null_text);
    return true;
  }
  bool row(const TableRow& row) override {
    TableRow cells;
    for (const Shown& column : shown_) {
      cells.push_back(column.index < row.size() ? row[column.index] : std::nullopt);
      if (cells.back() && column.times == Times::to_the_second) shorten(*cells.back());
    }
    return table_ && table_->add(cells);
  }
  bool end() override { return !table_ || table_->finish(); }

 private:
  Output& output_;
  struct Shown {
    size_t index;  // in the answer's rows
    Times times;
  };
  /// "2026-11-20T12:00:00.000000Z" to "2026-11-20 12:00:00".
  static void shorten(std::string& time) {
    constexpr size_t date = 10, seconds = 19;
    if (time.size() <= seconds) return;
    time.resize(seconds);
    time[date] = ' ';
  }

  const RowsStyle style_;
  std::vector<Shown> shown_;
  std::optional<TableWriter> table_;
};

class CsvRows final : public RowPrinter {
 public:
  explicit CsvRows(Output& output) : output_(output) {}

  bool columns(const std::vector<ResultColumn>& columns) override {
    TableRow names;
    for (const ResultColumn& column : columns) names.emplace_back(column.name);
    return row(names);
  }
  bool row(const TableRow& row) override {
    const std::string line = csv_line(row);
    return output_.write(output_.is_terminal() ? visible(line, LineBreaks::keep) : line);
  }
  bool end() override { return output_.flush(); }

 private:
  Output& output_;
};

class JsonRows final : public RowPrinter {
 public:
  explicit JsonRows(Output& output) : output_(output) {}

  bool columns(const std::vector<ResultColumn>& columns) override {
    for (const ResultColumn& column : columns) {
      names_.push_back(text::Json(column.name).to_string() + ":");
      kinds_.push_back(cell_kind(column.type));
    }
    begun_ = true;
    return output_.write("[");
  }
  bool row(const TableRow& row) override {
    std::string line = first_ ? "\n{" : ",\n{";
    first_ = false;
    for (size_t i = 0; i < names_.size() && i < row.size(); ++i) {
      if (i > 0) line += ',';
      line += names_[i] + json_cell(kinds_[i], row[i]);
    }
    line += '}';
    return output_.write(output_.is_terminal() ? visible(line, LineBreaks::keep) : line);
  }
  bool end() override {
    if (begun_) output_.write(first_ ? "]\n" : "\n]\n");
    return output_.flush();
  }

 private:
  Output& output_;
  std::vector<std::string> names_;  // as JSON, with the colon
  std::vector<CellKind> kinds_;
  bool begun_ = false;
  bool first_ = true;
};

std::unique_ptr<RowPrinter> make_printer(OutputFormat format, Output& output, RowsStyle style) {
  switch (format) {
    case OutputFormat::json: return std::make_unique<JsonRows>(output);
    case OutputFormat::csv: return std::make_unique<CsvRows>(output);
    case OutputFormat::table: break;
  }
  return std::make_unique<TableRows>(output, std::move(style));
}

class RowsPresenter final : public Presenter {
 public:
  explicit RowsPresenter(std::unique_ptr<RowPrinter> printer) : printer_(std::move(printer)) {}

  bool send(const text::Json& frame) override {
    const std::string& kind = frame["frame"].as_string();
    begun_ = true;
    if (kind == "columns") return printer_->columns(columns_of(frame));
    if (kind != "rows") return true;
    bool read = true;
    for (const TableRow& row : rows_of(frame)) read = read && printer_->row(row);
    return read;
  }
  ExitCode finish(const Result<void>& result) override {
    printer_->end();
    return result ? ExitCode::done : exit_code(result.error());
  }
  /// Asking again is harmless as long as nothing is printed and nothing may have been written.
  std::optional<owner::Request> resume(const owner::Request& asked) override {
    if (begun_ || asked.args["write"].as_bool()) return std::nullopt;
    return asked;
  }

 private:
  std::unique_ptr<RowPrinter> printer_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<Presenter> make_rows_presenter(OutputFormat format, Output& output,
                                               RowsStyle style) {
  return std::make_unique<RowsPresenter>(make_printer(format, output, std::move(style)));
}

}  // namespace weir::cli
