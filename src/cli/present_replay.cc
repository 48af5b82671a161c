#include <fmt/format.h>

#include <vector>

#include "cli/frames.h"
#include "cli/presenter.h"

namespace weir::cli {
namespace {

class ReplayPresenter final : public Presenter {
 public:
  ReplayPresenter(OutputFormat format, Output& output, Output& error_output)
      : output_(output),
        for_people_(format == OutputFormat::table),
        receipts_(make_receipts_presenter(format, output, error_output, Verdict::counts,
                                          "nothing to do: no rejects are left to replay")) {}

  bool send(const text::Json& frame) override {
    if (frame["frame"].as_string() != "left") return receipts_->send(frame);
    left_.push_back(left_of(frame));
    return true;
  }
  ExitCode finish(const Result<void>& result) override {
    const ExitCode code = receipts_->finish(result);
    for (const RejectsLeft& left : left_) {
      if (!for_people_) break;
      output_.write(
          fmt::format("rejects left in run {0}: {1}; `weir rejects {0} --format csv` "
                      "writes them\n",
                      left.run.value(), left.rejects));
    }
    output_.flush();
    return left_.empty() ? code : worse(code, ExitCode::rejected);
  }
  std::optional<owner::Request> resume(const owner::Request& asked) override {
    return receipts_->resume(asked);
  }

 private:
  Output& output_;
  const bool for_people_;
  std::unique_ptr<Presenter> receipts_;
  std::vector<RejectsLeft> left_;
};

}  // namespace

std::unique_ptr<Presenter> make_replay_presenter(OutputFormat format, Output& output,
                                                 Output& error_output) {
  return std::make_unique<ReplayPresenter>(format, output, error_output);
}

}  // namespace weir::cli
