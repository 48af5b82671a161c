#include <gtest/gtest.h>

#include "cli/frames.h"
#include "cli/presenter.h"
#include "cli/string_output_for_test.h"

namespace weir::cli {
namespace {

using text::Json;

class VectorSink final : public owner::FrameSink {
 public:
  bool send(const Json& frame) override {
    frames.push_back(frame);
    return true;
  }
  std::vector<Json> frames;
};

std::vector<Json> drift_frames(int drifted) {
  VectorSink sink;
  sink.send(columns_frame({{"table", "VARCHAR"}, {"rows", "BIGINT"}}));
  RowFrames rows(sink);
  rows.add({"t", "id", "type", "loads refused", "INTEGER", "BIGINT", "id is BIGINT", "safe",
            "ALTER 1", "0", std::nullopt, std::nullopt});
  rows.add({"t", "n", "type", "loads refused", "INTEGER", "DOUBLE", "n is DOUBLE", "refused",
            "ALTER 2", "1", "1.5\x1b", "1 row is in the way"});
  rows.add({"u", "x", "extra column", "harmless", std::nullopt, "DATE", "x is not known",
            std::nullopt, std::nullopt, "0", std::nullopt, std::nullopt});
  rows.flush();
  sink.send(Json::object().set("frame", "drift").set("tables", 3).set("drifted", drifted));
  return sink.frames;
}

TEST(DriftPresenter, ParagraphsForPeople) {
  StringOutput output;
  const auto presenter = make_drift_presenter(OutputFormat::table, output);
  for (const Json& frame : drift_frames(1)) presenter->send(frame);
  EXPECT_EQ(presenter->finish({}), ExitCode::failed);
  EXPECT_EQ(output.text,
            "t\n"
            "  id is BIGINT\n"
            "    loads refused; safe to mend:\n"
            "    ALTER 1\n"
            "  n is DOUBLE\n"
            "    loads refused; not to be mended yet: 1 row is in the way\n"
            "    for instance: 1.5\\x1b\n"
            "    ALTER 2\n"
            "\n"
            "u\n"
            "  x is not known\n"
            "    harmless\n"
            "\n"
            "1 of 3 tables drifted; `weir drift --apply` runs what is safe\n");
}

TEST(DriftPresenter, RowsInTheOtherFormsAndTheSameExitCode) {
  for (const OutputFormat format : {OutputFormat::json, OutputFormat::csv}) {
    StringOutput output;
    const auto presenter = make_drift_presenter(format, output);
    for (const Json& frame : drift_frames(2)) presenter->send(frame);
    EXPECT_EQ(presenter->finish({}), ExitCode::failed);
    EXPECT_NE(output.text.find("\"t\""), format == OutputFormat::json ? std::string::npos : 0);
  }
  StringOutput output;
  const auto presenter = make_drift_presenter(OutputFormat::json, output);
  for (const Json& frame : drift_frames(0)) presenter->send(frame);
  EXPECT_EQ(presenter->finish({}), ExitCode::done);
}

TEST(DriftPresenter, MendingIsNotAskedForTwice) {
  StringOutput output;
  const auto presenter = make_drift_presenter(OutputFormat::json, output);
  EXPECT_TRUE(presenter->resume({"1", "drift", Json::object().set("apply", false)}));
  EXPECT_FALSE(presenter->resume({"1", "drift", Json::object().set("apply", true)}));
}

}  // namespace
}  // namespace weir::cli
