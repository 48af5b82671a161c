#include "cli/doctor_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "cli/display_text.h"
#include "cli/frames.h"

namespace weir::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Verdict;

Verdict verdict_of(std::string_view word) {
  for (const Verdict verdict : {Verdict::ok, Verdict::warning}) {
    if (word == name(verdict)) return verdict;
  }
  return Verdict::problem;
}

std::string shown(const std::string& text) { return visible(redact(text), LineBreaks::escape); }

class DoctorPresenter final : public Presenter {
 public:
  DoctorPresenter(OutputFormat format, Output& output, Findings first)
      : format_(format), output_(output), findings_(std::move(first)) {}

  bool send(const text::Json& frame) override {
    if (frame["frame"].as_string() != "rows") return true;
    for (const TableRow& row : rows_of(frame)) {
      if (row.size() != 4) continue;
      findings_.push_back({row[0].value_or(""), verdict_of(row[1].value_or("")),
                           row[2].value_or(""), row[3].value_or("")});
    }
    return true;
  }

  ExitCode finish(const Result<void>& result) override {
    if (!result) {
      findings_.push_back({"owner", Verdict::problem, result.error().message, result.error().fix});
    }
    if (format_ == OutputFormat::table) {
      print_for_people();
    } else {
      print_rows();
    }
    return count(Verdict::problem) > 0 ? ExitCode::failed : ExitCode::done;
  }

  std::optional<owner::Request> resume(const owner::Request&) override { return std::nullopt; }

 private:
  size_t count(Verdict verdict) const {
    return static_cast<size_t>(
        std::count_if(findings_.begin(), findings_.end(),
                      [&](const Finding& finding) { return finding.verdict == verdict; }));
  }

  void print_rows() {
    const auto rows = make_rows_presenter(format_, output_, {});
    rows->send(columns_frame(
        {{"check", "VARCHAR"}, {"verdict", "VARCHAR"}, {"found", "VARCHAR"}, {"fix", "VARCHAR"}}));
    send_findings(findings_, *rows);
    rows->finish({});
  }

  void print_for_people() {
    size_t width = 0;
    for (const Finding& finding : findings_) width = std::max(width, finding.check.size());
    for (const Finding& finding : findings_) {
      output_.write(fmt::format("{:<8} {:<{}}  {}\n", name(finding.verdict), shown(finding.check),
                                width, shown(finding.found)));
      if (finding.verdict != Verdict::ok && !finding.fix.empty()) {
        output_.write(fmt::format("{:<8} {:<{}}  fix: {}\n", "", "", width, shown(finding.fix)));
      }
    }
    output_.write(fmt::format("{} problems, {} warnings\n", count(Verdict::problem),
                              count(Verdict::warning)));
    output_.flush();
  }

  const OutputFormat format_;
  Output& output_;
  Findings findings_;
};

}  // namespace

bool send_findings(const Findings& findings, owner::FrameSink& sink) {
  RowFrames rows(sink);
  for (const Finding& finding : findings) {
    const TableRow row{redact(finding.check), name(finding.verdict), redact(finding.found),
                       redact(finding.fix)};
    if (!rows.add(row)) return false;
  }
  return rows.flush();
}

std::unique_ptr<Presenter> make_doctor_presenter(OutputFormat format, Output& output,
                                                 Findings first) {
  return std::make_unique<DoctorPresenter>(format, output, std::move(first));
}

}  // namespace weir::cli
