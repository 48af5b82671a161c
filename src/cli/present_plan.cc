#include <fmt/format.h>

#include "cli/csv_text.h"
#include "cli/display_text.h"
#include "cli/messages.h"
#include "cli/presenter.h"
#include "cli/progress_line.h"
#include "cli/receipt_table.h"
#include "text/receipt_json.h"

namespace weir::cli {
namespace {

using text::Json;

std::optional<std::string> or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

/// One way to print a plan.
class PlanPrinter {
 public:
  virtual ~PlanPrinter() = default;
  virtual bool input(const Receipt& receipt, const Json& json) = 0;
  virtual bool plan(const Json& json) = 0;
  /// `answered`: the plan has come.
  virtual bool end(bool answered) = 0;
};

class JsonPlan final : public PlanPrinter {
 public:
  explicit JsonPlan(Output& output) : output_(output) {}

  bool input(const Receipt&, const Json& json) override {
    return write((std::exchange(begun_, true) ? ",\n" : "{\"inputs\": [\n") + json.to_string());
  }
  bool plan(const Json& json) override {
    std::string text = begun_ ? "\n]" : "{\"inputs\": []";
    begun_ = true;
    for (const auto& [name, value] : json.as_object()) {
      text += ",\n" + Json(name).to_string() + ": " + value.to_string();
    }
    return write(text);
  }
  bool end(bool answered) override {
    if (begun_) write(answered ? "\n}\n" : "\n]}\n");
    return output_.flush();
  }

 private:
  bool write(const std::string& text) {
    return output_.write(output_.is_terminal() ? visible(text, LineBreaks::keep) : text);
  }
  Output& output_;
  bool begun_ = false;
};

class CsvPlan final : public PlanPrinter {
 public:
  explicit CsvPlan(Output& output) : output_(output) {
    write({"object", "version", "status", "read", "expanded", "folded", "inserted", "updated",
           "unchanged", "loaded", "deduplicated", "filtered", "rejected", "replaced", "duration_ms",
           "error"});
  }

  bool input(const Receipt& receipt, const Json&) override {
    TableRow cells = {receipt.object ? std::optional(receipt.object->to_string()) : std::nullopt,
                      or_null(receipt.version.value()), std::string(to_string(receipt.status))};
    const RowCounts& rows = receipt.rows;
    for (const uint64_t count :
         {rows.read, rows.expanded, rows.folded, rows.inserted, rows.updated, rows.unchanged,
          rows.loaded(), rows.deduplicated, rows.filtered, rows.rejected, rows.replaced}) {
      cells.emplace_back(std::to_string(count));
    }
    cells.emplace_back(Json(receipt.duration_ms).to_string());
    cells.push_back(receipt.error ? std::optional(receipt.error->to_string()) : std::nullopt);
    return write(cells);
  }
  bool plan(const Json&) override { return true; }
  bool end(bool) override { return output_.flush(); }

 private:
  bool write(const TableRow& cells) {
    const std::string line = csv_line(cells);
    return output_.write(output_.is_terminal() ? visible(line, LineBreaks::keep) : line);
  }
  Output& output_;
};

class TablePlan final : public PlanPrinter {
 public:
  explicit TablePlan(Output& output) : output_(output) {}

  bool input(const Receipt& receipt, const Json& json) override {
    Receipt counts = receipt;
    counts.rejects.clear();  // told by rule
    receipts_.add(counts);
    any_ = true;
    const std::string name =
        receipt.object ? receipt.object->to_string() : receipt.pipeline.value();
    for (const Json& broken : json["broken"].as_array()) broken_.push_back({name, broken});
    return true;
  }
  bool plan(const Json& json) override {
    plan_ = json;
    return true;
  }
  bool end(bool answered) override {
    if (!answered) return output_.flush();
    if (any_) {
      receipts_.print(output_);
    } else if (!downloads()) {
      output_.write("no input: every object is loaded in its present version\n");
    }
    print_broken();
    print_ddl();
    print_effects();
    output_.write(fmt::format("\n{}; {:.0f} ms, at most {} MiB of memory\n", closing(),
                              plan_["duration_ms"].as_double(),
                              plan_["peak_memory_bytes"].as_int() >> 20));
    return output_.flush();
  }

 private:
  struct Broken {
    std::string input;
    Json rule;
  };

  bool downloads() const { return plan_.has("table") && plan_["table"].is_null(); }

  std::string closing() const {
    if (downloads()) return "nothing was fetched, and nobody was told";
    return plan_["written"].as_bool()
               ? "this was done in a transaction and rolled back: nothing was kept"
               : "nothing was written: this was decided against a snapshot";
  }

  void print_broken() {
    if (broken_.empty()) return;
    output_.write("\nrows that would be rejected, by rule\n");
    TableWriter table(
        output_,
        {{"input"}, {"rows", Align::right}, {"field"}, {"rule"}, {"for instance"}, {"value"}}, "",
        "  ");
    for (const auto& [input, rule] : broken_) {
      const Json& example = rule["example"];
      table.add({input, std::to_string(rule["rows"].as_int()), rule["field"].as_string(),
                 rule["rule"].as_string(),
                 example.has("line") ? fmt::format("line {}", example["line"].as_int())
                                     : fmt::format("element {}", example["element"].as_int()),
                 example["value"].as_string()});
    }
    table.finish();
  }

  void print_ddl() {
    const auto& ddl = plan_["ddl"].as_array();
    if (!ddl.empty()) output_.write("\nDDL that would be run first\n");
    for (const Json& statement : ddl) {
      output_.write(visible("  " + statement.as_string(), LineBreaks::escape) + "\n");
    }
  }

  void print_effects() {
    const auto& effects = plan_["effects"].as_array();
    if (effects.empty()) return;
    output_.write(downloads() ? "a run\n" : "\noutside of the database, a run\n");
    for (const Json& effect : effects) {
      output_.write(visible("  " + effect.as_string(), LineBreaks::escape) + "\n");
    }
  }

  Output& output_;
  ReceiptTable receipts_;
  std::vector<Broken> broken_;
  Json plan_;
  bool any_ = false;
};

std::unique_ptr<PlanPrinter> make_printer(OutputFormat format, Output& output) {
  switch (format) {
    case OutputFormat::json: return std::make_unique<JsonPlan>(output);
    case OutputFormat::csv: return std::make_unique<CsvPlan>(output);
    case OutputFormat::table: break;
  }
  return std::make_unique<TablePlan>(output);
}

class PlanPresenter final : public Presenter {
 public:
  PlanPresenter(std::unique_ptr<PlanPrinter> printer, Output& error_output)
      : printer_(std::move(printer)), progress_(error_output, std::chrono::steady_clock::now()) {}

  bool send(const Json& frame) override {
    const std::string& kind = frame["frame"].as_string();
    if (kind == "progress") {
      progress_.update(progress_of(frame), std::chrono::steady_clock::now());
      return true;
    }
    progress_.clear();
    begun_ = true;
    if (kind == "planned") return take(frame["input"]);
    if (kind != "plan") return true;
    answered_ = true;
    const Json& plan = frame["plan"];
    if (!plan["error"].is_null()) worst_ = ExitCode::failed;
    if (plan["error"].is_object() && !any_) say_error(plan["error"]);
    return printer_->plan(plan);
  }
  ExitCode finish(const Result<void>& result) override {
    progress_.clear();
    printer_->end(answered_);
    return result ? worst_ : worse(worst_, exit_code(result.error()));
  }
  /// Nothing is kept, so that asking again does no harm.
  std::optional<owner::Request> resume(const owner::Request& asked) override {
    if (begun_) return std::nullopt;
    return asked;
  }

 private:
  bool take(const Json& input) {
    any_ = true;
    Json as_receipt = input;
    as_receipt.set("run", "");
    const auto receipt = text::receipt_from_json(as_receipt);
    if (!receipt) {
      say(receipt.error());
      worst_ = ExitCode::failed;
      return true;
    }
    worst_ = worse(worst_, exit_code(receipt->status));
    return printer_->input(*receipt, input);
  }
  static void say_error(const Json& json) {
    if (const auto error = text::error_from_json(json)) say(*error);
  }

  std::unique_ptr<PlanPrinter> printer_;
  ProgressLine progress_;
  ExitCode worst_ = ExitCode::done;
  bool begun_ = false, answered_ = false, any_ = false;
};

}  // namespace

std::unique_ptr<Presenter> make_plan_presenter(OutputFormat format, Output& output,
                                               Output& error_output) {
  return std::make_unique<PlanPresenter>(make_printer(format, output), error_output);
}

}  // namespace weir::cli
