#include <set>

#include "cli/csv_text.h"
#include "cli/display_text.h"
#include "cli/frames.h"
#include "cli/messages.h"
#include "cli/presenter.h"
#include "cli/progress_line.h"
#include "cli/receipt_table.h"

namespace weir::cli {
namespace {

/// One way to print receipts.
class ReceiptPrinter {
 public:
  virtual ~ReceiptPrinter() = default;
  virtual bool receipt(const Receipt& receipt, const text::Json& json) = 0;
  /// Whether a receipt is printed as it comes, which a progress bar would get in the way of.
  virtual bool prints_at_once() const { return true; }
  /// answered: the list of receipts is known, be it empty.
  virtual void end(bool answered) = 0;
};

class TableReceipts final : public ReceiptPrinter {
 public:
  TableReceipts(Output& output, std::string nothing)
      : output_(output), nothing_(std::move(nothing)) {}

  bool receipt(const Receipt& receipt, const text::Json&) override {
    table_.add(receipt);
    any_ = true;
    return true;
  }
  bool prints_at_once() const override { return false; }
  void end(bool answered) override {
    if (any_) {
      table_.print(output_);
    } else if (answered) {
      output_.write(nothing_ + "\n");
      output_.flush();
    }
  }

 private:
  Output& output_;
  const std::string nothing_;
  ReceiptTable table_;
  bool any_ = false;
};

class JsonReceipts final : public ReceiptPrinter {
 public:
  explicit JsonReceipts(Output& output) : output_(output) {}

  bool receipt(const Receipt&, const text::Json& json) override {
    const std::string line = (first_ ? "[\n" : ",\n") + json.to_string();
    first_ = false;
    output_.write(output_.is_terminal() ? visible(line, LineBreaks::keep) : line);
    return output_.flush();  // who reads along sees each as it comes
  }
  void end(bool answered) override {
    if (first_ && answered) output_.write("[]\n");
    if (!first_) output_.write("\n]\n");
    output_.flush();
  }

 private:
  Output& output_;
  bool first_ = true;
};

class CsvReceipts final : public ReceiptPrinter {
 public:
  explicit CsvReceipts(Output& output) : output_(output) {}

  bool receipt(const Receipt& receipt, const text::Json&) override {
    head();
    const RowCounts& rows = receipt.rows;
    TableRow cells = {receipt.run.value(), receipt.pipeline.value(), std::nullopt,
                      receipt.version.value(), std::string(to_string(receipt.status))};
    if (receipt.object) cells[2] = receipt.object->to_string();
    for (const uint64_t count :
         {rows.read, rows.expanded, rows.folded, rows.inserted, rows.updated, rows.unchanged,
          rows.loaded(), rows.deduplicated, rows.filtered, rows.rejected, rows.replaced}) {
      cells.emplace_back(std::to_string(count));
    }
    cells.emplace_back(text::Json(receipt.duration_ms).to_string());
    cells.push_back(receipt.error ? std::optional(receipt.error->to_string()) : std::nullopt);
    write(cells);
    return output_.flush();
  }
  void end(bool answered) override {
    if (answered) head();
    output_.flush();
  }

 private:
  void head() {
    if (std::exchange(head_written_, true)) return;
    write({"run", "pipeline", "object", "version", "status", "read", "expanded", "folded",
           "inserted", "updated", "unchanged", "loaded", "deduplicated", "filtered", "rejected",
           "replaced", "duration_ms", "error"});
  }
  void write(const TableRow& cells) {
    const std::string line = csv_line(cells);
    output_.write(output_.is_terminal() ? visible(line, LineBreaks::keep) : line);
  }

  Output& output_;
  bool head_written_ = false;
};

std::unique_ptr<ReceiptPrinter> make_printer(OutputFormat format, Output& output,
                                             std::string nothing) {
  switch (format) {
    case OutputFormat::json: return std::make_unique<JsonReceipts>(output);
    case OutputFormat::csv: return std::make_unique<CsvReceipts>(output);
    case OutputFormat::table: break;
  }
  return std::make_unique<TableReceipts>(output, std::move(nothing));
}

class ReceiptsPresenter final : public Presenter {
 public:
  ReceiptsPresenter(std::unique_ptr<ReceiptPrinter> printer, Output& error_output, Verdict verdict)
      : printer_(std::move(printer)),
        progress_(error_output, std::chrono::steady_clock::now()),
        verdict_(verdict) {}

  bool send(const text::Json& frame) override {
    const std::string& kind = frame["frame"].as_string();
    if (kind == "accepted") {
      accepted_ = accepted_runs(frame);
      known_ = true;
    } else if (kind == "progress") {
      RunsProgress progress = progress_of(frame);
      progress.done += earlier_;
      progress.total += earlier_;
      progress_.update(progress, std::chrono::steady_clock::now());
    } else if (kind == "receipt") {
      return take(frame);
    }
    return true;
  }

  ExitCode finish(const Result<void>& result) override {
    progress_.clear();
    printer_->end(result.has_value());
    return result ? worst_ : worse(worst_, exit_code(result.error()));
  }

  /// Runs are durable: the next owner is asked for those whose receipt has not come yet.
  std::optional<owner::Request> resume(const owner::Request& asked) override {
    owner::Request next = asked;
    if (!known_) {
      // They may or may not have been queued. Asking again loads nothing twice, unless forced.
      if (asked.args["force"].as_bool()) return std::nullopt;
      return next;
    }
    text::Json left = text::Json::array();
    for (const RunId& run : accepted_) {
      if (!received_.contains(run)) left.push(run.value());
    }
    earlier_ = received_.size();
    next.args = text::Json::object().set("runs", std::move(left));
    return next;
  }

 private:
  bool take(const text::Json& frame) {
    auto receipt = receipt_of(frame);
    if (!receipt) {
      say(receipt.error());
      worst_ = ExitCode::failed;
      return true;
    }
    if (printer_->prints_at_once()) progress_.clear();
    received_.insert(receipt->run);
    if (verdict_ == Verdict::counts) worst_ = worse(worst_, exit_code(receipt->status));
    return printer_->receipt(*receipt, frame["receipt"]);
  }

  std::unique_ptr<ReceiptPrinter> printer_;
  ProgressLine progress_;
  const Verdict verdict_;
  ExitCode worst_ = ExitCode::done;
  bool known_ = false;  // which runs there are
  std::vector<RunId> accepted_;
  std::set<RunId> received_;
  size_t earlier_ = 0;  // receipts that came from owners before this one
};

}  // namespace

std::unique_ptr<Presenter> make_receipts_presenter(OutputFormat format, Output& output,
                                                   Output& error_output, Verdict verdict,
                                                   std::string nothing) {
  return std::make_unique<ReceiptsPresenter>(make_printer(format, output, std::move(nothing)),
                                             error_output, verdict);
}

}  // namespace weir::cli
