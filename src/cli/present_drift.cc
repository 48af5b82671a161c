#include <fmt/format.h>

#include "cli/display_text.h"
#include "cli/frames.h"
#include "cli/presenter.h"

namespace weir::cli {
namespace {

/// One row of the answer, as answer_drift.cc orders it.
struct Told {
  explicit Told(const TableRow& row) : row_(row) {}

  std::string table() const { return cell(0); }
  std::string effect() const { return cell(3); }
  std::string message() const { return cell(6); }
  std::string mending() const { return cell(7); }
  std::string ddl() const { return cell(8); }
  std::string example() const { return cell(10); }
  std::string fix() const { return cell(11); }

 private:
  std::string cell(size_t index) const {
    return index < row_.size() ? row_[index].value_or("") : std::string();
  }
  const TableRow& row_;
};

/// Paragraphs: a table, its differences, and under each what mends it.
class DriftText final : public Presenter {
 public:
  explicit DriftText(Output& output) : output_(output) {}

  bool send(const text::Json& frame) override {
    const std::string& kind = frame["frame"].as_string();
    bool read = true;
    if (kind == "rows") {
      for (const TableRow& row : rows_of(frame)) read = read && print(Told(row));
    }
    if (kind == "drift") read = end(frame);
    return read;
  }
  ExitCode finish(const Result<void>& result) override {
    output_.flush();
    return result ? ExitCode::done : exit_code(result.error());
  }
  std::optional<owner::Request> resume(const owner::Request&) override { return std::nullopt; }

 private:
  bool print(const Told& told) {
    std::string text;
    if (told.table() != table_) {
      text += (table_.empty() ? "" : "\n") + told.table() + "\n";
      table_ = told.table();
    }
    text += "  " + told.message() + "\n";
    text += "    " + what_mends(told) + "\n";
    if (told.mending() == "safe") ++safe_;
    if (!told.example().empty()) text += "    for instance: " + told.example() + "\n";
    if (!told.ddl().empty()) text += "    " + told.ddl() + "\n";
    return output_.write(visible(text, LineBreaks::keep));
  }
  static std::string what_mends(const Told& told) {
    if (told.mending() == "done") return "done:";
    if (told.mending() == "safe") return told.effect() + "; safe to mend:";
    if (told.mending() == "refused") return told.effect() + "; not to be mended yet: " + told.fix();
    return told.effect() + (told.fix().empty() ? "" : "; " + told.fix());
  }
  bool end(const text::Json& frame) {
    const int64_t tables = frame["tables"].as_int();
    const int64_t drifted = frame["drifted"].as_int();
    std::string text = table_.empty() ? "" : "\n";
    text += drifted == 0
                ? fmt::format("no drift in {} table{}", tables, tables == 1 ? "" : "s")
                : fmt::format("{} of {} table{} drifted", drifted, tables, tables == 1 ? "" : "s");
    if (safe_ > 0) text += "; `weir drift --apply` runs what is safe";
    return output_.write(text + "\n");
  }

  Output& output_;
  std::string table_;
  size_t safe_ = 0;
};

/// The exit code beside whatever prints.
class DriftPresenter final : public Presenter {
 public:
  explicit DriftPresenter(std::unique_ptr<Presenter> printer) : printer_(std::move(printer)) {}

  bool send(const text::Json& frame) override {
    if (frame["frame"].as_string() == "drift") drifted_ = frame["drifted"].as_int() > 0;
    return printer_->send(frame);
  }
  ExitCode finish(const Result<void>& result) override {
    return worse(printer_->finish(result), drifted_ ? ExitCode::failed : ExitCode::done);
  }
  std::optional<owner::Request> resume(const owner::Request& asked) override {
    if (asked.args["apply"].as_bool()) return std::nullopt;
    return printer_->resume(asked);
  }

 private:
  std::unique_ptr<Presenter> printer_;
  bool drifted_ = false;
};

}  // namespace

std::unique_ptr<Presenter> make_drift_presenter(OutputFormat format, Output& output) {
  if (format == OutputFormat::table) {
    return std::make_unique<DriftPresenter>(std::make_unique<DriftText>(output));
  }
  return std::make_unique<DriftPresenter>(make_rows_presenter(format, output, {}));
}

}  // namespace weir::cli
