#include <gtest/gtest.h>

#include "cli/frames.h"
#include "cli/presenter.h"
#include "cli/string_output_for_test.h"

namespace weir::cli {
namespace {

Receipt receipt_of_replay(RunState status) {
  Receipt receipt;
  receipt.run = RunId("replay");
  receipt.pipeline = PipelineName("load");
  receipt.status = status;
  receipt.rows.read = receipt.rows.inserted = 1;
  return receipt;
}

struct Presented {
  ExitCode code;
  std::string out;
};

Presented present(OutputFormat format, const std::vector<Receipt>& receipts,
                  const std::vector<RejectsLeft>& left) {
  StringOutput out, error;
  const auto presenter = make_replay_presenter(format, out, error);
  std::vector<RunId> runs;
  for (const Receipt& receipt : receipts) runs.push_back(receipt.run);
  presenter->send(accepted_frame(runs));
  for (const Receipt& receipt : receipts) presenter->send(receipt_frame(receipt));
  for (const RejectsLeft& one : left) presenter->send(left_frame(one));
  const ExitCode code = presenter->finish({});
  return {code, out.text};
}

TEST(ReplayPresenter, SaysWhatIsLeftAndEndsSo) {
  const auto [code, out] =
      present(OutputFormat::table, {receipt_of_replay(RunState::succeeded)}, {{RunId("01run"), 2}});
  EXPECT_EQ(code, ExitCode::rejected);
  EXPECT_NE(out.find("rejects left in run 01run: 2; `weir rejects 01run --format csv`"),
            std::string::npos)
      << out;
}

TEST(ReplayPresenter, NothingLeftIsDone) {
  EXPECT_EQ(present(OutputFormat::json, {receipt_of_replay(RunState::succeeded)}, {}).code,
            ExitCode::done);
  const auto [code, out] = present(OutputFormat::table, {}, {});
  EXPECT_EQ(code, ExitCode::done);
  EXPECT_EQ(out, "nothing to do: no rejects are left to replay\n");
  EXPECT_EQ(present(OutputFormat::json, {}, {}).out, "[]\n");
}

TEST(ReplayPresenter, AFailedReplayIsWorseThanRejectsLeft) {
  const auto presented =
      present(OutputFormat::json, {receipt_of_replay(RunState::failed)}, {{RunId("01run"), 2}});
  EXPECT_EQ(presented.code, ExitCode::failed);
  EXPECT_EQ(presented.out.find("left"), std::string::npos) << "JSON is a list of receipts";
}

TEST(TextPresenter, PrintsTextAsItIsAndNothingThatSteersATerminal) {
  for (const size_t width : {size_t{0}, size_t{80}}) {
    StringOutput output(width);
    const auto presenter = make_text_presenter(output);
    EXPECT_TRUE(presenter->resume({}).has_value());
    presenter->send(text_frame("a,\x1b[1m"));
    presenter->send(text_frame("b\n"));
    EXPECT_FALSE(presenter->resume({}).has_value()) << "half of it is printed";
    EXPECT_EQ(presenter->finish({}), ExitCode::done);
    EXPECT_EQ(output.text, width == 0 ? "a,\x1b[1mb\n" : "a,\\x1b[1mb\n");
  }
}

}  // namespace
}  // namespace weir::cli
