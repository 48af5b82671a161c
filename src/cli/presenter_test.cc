#include "cli/presenter.h"

#include <gtest/gtest.h>

#include "cli/frames.h"
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

/// The frames of a small result.
std::vector<Json> result_frames() {
  VectorSink sink;
  sink.send(columns_frame({{"n", "BIGINT"}, {"name", "VARCHAR"}, {"d", "DECIMAL(5,2)"}}));
  RowFrames rows(sink);
  rows.add({"1", "a\x1b[1m", "1.50"});
  rows.add({std::nullopt, "", "12.00"});
  rows.flush();
  return sink.frames;
}

std::string present_rows(OutputFormat format, const std::vector<Json>& frames, size_t width = 0) {
  StringOutput output(width);
  const auto presenter = make_rows_presenter(format, output, {.null_text = "NULL"});
  for (const Json& frame : frames) presenter->send(frame);
  EXPECT_EQ(presenter->finish({}), ExitCode::done);
  return output.text;
}

TEST(RowsPresenter, ThreeForms) {
  EXPECT_EQ(present_rows(OutputFormat::table, result_frames()),
            "   n  name          d\n"
            "----  --------  -----\n"
            "   1  a\\x1b[1m   1.50\n"
            "NULL            12.00\n");
  EXPECT_EQ(present_rows(OutputFormat::csv, result_frames()),
            "n,name,d\n1,a\x1b[1m,1.50\n,\"\",12.00\n");
  EXPECT_EQ(present_rows(OutputFormat::json, result_frames()),
            "[\n{\"n\":1,\"name\":\"a\\u001b[1m\",\"d\":\"1.50\"},\n"
            "{\"n\":null,\"name\":\"\",\"d\":\"12.00\"}\n]\n");
}

TEST(RowsPresenter, CsvOnATerminalIsMadeVisible) {
  EXPECT_EQ(present_rows(OutputFormat::csv, result_frames(), 80),
            "n,name,d\n1,a\\x1b[1m,1.50\n,\"\",12.00\n");
}

TEST(RowsPresenter, ATableMayLeaveColumnsOutAndShortenTimes) {
  VectorSink sink;
  sink.send(columns_frame({{"id", "VARCHAR"}, {"tries", "BIGINT"}, {"at", "TIMESTAMP"}}));
  RowFrames rows(sink);
  rows.add({"a", "1", "2026-11-20T12:00:01.123456Z"});
  rows.add({"b", "1", std::nullopt});
  rows.flush();
  const RowsStyle style{.left_out = {"tries"}, .times = Times::to_the_second};
  StringOutput table, csv;
  const auto in_table = make_rows_presenter(OutputFormat::table, table, style);
  const auto in_csv = make_rows_presenter(OutputFormat::csv, csv, style);
  for (const Json& frame : sink.frames) {
    in_table->send(frame);
    in_csv->send(frame);
  }
  in_table->finish({});
  in_csv->finish({});
  EXPECT_EQ(table.text, "id  at\n--  -------------------\na   2026-11-20 12:00:01\nb\n");
  EXPECT_EQ(csv.text, "id,tries,at\na,1,2026-11-20T12:00:01.123456Z\nb,1,\n");
}

TEST(RowsPresenter, NoRows) {
  const std::vector<Json> frames = {columns_frame({{"n", "BIGINT"}})};
  EXPECT_EQ(present_rows(OutputFormat::json, frames), "[]\n");
  EXPECT_EQ(present_rows(OutputFormat::csv, frames), "n\n");
  EXPECT_EQ(present_rows(OutputFormat::table, frames), "n\n-\n");
  EXPECT_EQ(present_rows(OutputFormat::json, {}), "") << "it failed before the columns";
}

TEST(RowsPresenter, AClosedPipeStopsTheAnswer) {
  StringOutput output;
  output.open = false;
  const auto presenter = make_rows_presenter(OutputFormat::csv, output, {});
  EXPECT_FALSE(presenter->send(result_frames()[0]));
}

TEST(RowsPresenter, ResumesOnlyWhatIsHarmless) {
  StringOutput output;
  const owner::Request reading{"1", "query", Json::object().set("sql", "SELECT 1")};
  const owner::Request writing{"1", "query", Json::object().set("write", true)};
  const auto presenter = make_rows_presenter(OutputFormat::csv, output, {});
  EXPECT_TRUE(presenter->resume(reading));
  EXPECT_FALSE(presenter->resume(writing));
  presenter->send(result_frames()[0]);
  EXPECT_FALSE(presenter->resume(reading));
}

TEST(RowFrames, AreBounded) {
  VectorSink sink;
  RowFrames rows(sink);
  const std::string wide(100'000, 'x');
  for (int i = 0; i < 10; ++i) rows.add({wide});
  rows.flush();
  EXPECT_EQ(sink.frames.size(), 4u);
  size_t count = 0;
  for (const Json& frame : sink.frames) count += rows_of(frame).size();
  EXPECT_EQ(count, 10u);
}

Receipt receipt(std::string id, std::string key, RunState status) {
  Receipt made;
  made.run = RunId(std::move(id));
  made.pipeline = PipelineName("load");
  made.object = ObjectRef{BucketName("landing"), ObjectKey(std::move(key))};
  made.version = ObjectVersion("sha256:1");
  made.status = status;
  made.duration_ms = 12.25;
  return made;
}

Receipt partial() {
  Receipt made = receipt("r1", "a.json", RunState::partial);
  made.rows.read = 3;
  made.rows.inserted = 2;
  made.rows.rejected = 1;
  made.rejects.push_back({2, 5, 10, 20, {{"n", "bigint", "1.7", "1.7 is no integer"}}, "{}"});
  return made;
}

Receipt failed() {
  Receipt made = receipt("r2", "b.json", RunState::failed);
  made.error = Error{ErrorCode::sql, "no such column", "name another"};
  return made;
}

struct Presented {
  std::string out, error;
  ExitCode code = ExitCode::done;
};

Presented present_receipts(OutputFormat format, const std::vector<Receipt>& receipts,
                           const Result<void>& result = {}, Verdict verdict = Verdict::counts) {
  StringOutput output, error_output;
  const auto presenter = make_receipts_presenter(format, output, error_output, verdict);
  std::vector<RunId> ids;
  for (const Receipt& each : receipts) ids.push_back(each.run);
  if (result) presenter->send(accepted_frame(ids));
  for (const Receipt& each : receipts) presenter->send(receipt_frame(each));
  const ExitCode code = presenter->finish(result);
  return {output.text, error_output.text, code};
}

TEST(ReceiptsPresenter, Table) {
  const Presented shown = present_receipts(OutputFormat::table, {partial(), failed()});
  EXPECT_EQ(shown.out,
            "input           status   read  inserted  rejected   time\n"
            "--------------  -------  ----  --------  --------  -----\n"
            "landing/a.json  partial     3         2         1  12 ms\n"
            "landing/b.json  failed      0         0         0  12 ms\n"
            "\nrejected rows of landing/a.json\n"
            "  where   field  rule    value  why\n"
            "  ------  -----  ------  -----  -----------------\n"
            "  line 5  n      bigint  1.7    1.7 is no integer\n"
            "\nlanding/b.json: no such column; name another\n"
            "\n2 inputs: 1 partial, 1 failed; 3 rows read, 2 loaded, 1 rejected\n");
  EXPECT_EQ(shown.code, ExitCode::failed);
  EXPECT_EQ(shown.error, "");
}

TEST(ReceiptsPresenter, JsonIsAListAsPublished) {
  const Presented shown = present_receipts(OutputFormat::json, {partial(), failed()});
  const Json list = Json::parse(shown.out).value();
  ASSERT_EQ(list.as_array().size(), 2u);
  EXPECT_EQ(list.as_array()[0]["rejects"].as_array()[0]["line"].as_int(), 5);
  EXPECT_EQ(list.as_array()[1]["error"]["code"].as_string(), "sql");
}

TEST(ReceiptsPresenter, CsvHasOneRowPerInput) {
  EXPECT_EQ(present_receipts(OutputFormat::csv, {partial()}).out,
            "run,pipeline,object,version,status,read,expanded,folded,inserted,updated,unchanged,"
            "loaded,deduplicated,filtered,rejected,replaced,duration_ms,error\n"
            "r1,load,landing/a.json,sha256:1,partial,3,0,0,2,0,0,2,0,0,1,0,12.25,\n");
}

TEST(ReceiptsPresenter, NothingToDo) {
  EXPECT_EQ(present_receipts(OutputFormat::json, {}).out, "[]\n");
  EXPECT_EQ(present_receipts(OutputFormat::table, {}).out,
            "nothing to do: every object is loaded in its present version\n");
  EXPECT_EQ(present_receipts(OutputFormat::json, {}).code, ExitCode::done);
}

TEST(ReceiptsPresenter, AnErrorLeavesValidJson) {
  const auto lost = fail(ErrorCode::unavailable, "gone");
  EXPECT_EQ(present_receipts(OutputFormat::json, {}, lost).out, "");
  const Presented shown = present_receipts(OutputFormat::json, {partial()}, lost);
  EXPECT_TRUE(Json::parse(shown.out));
  EXPECT_EQ(shown.code, ExitCode::failed);
}

TEST(ReceiptsPresenter, TheWorstReceiptDecides) {
  const auto code = [](RunState state, Verdict verdict = Verdict::counts) {
    return present_receipts(OutputFormat::json,
                            {receipt("a", "a", RunState::succeeded), receipt("b", "b", state)}, {},
                            verdict)
        .code;
  };
  EXPECT_EQ(code(RunState::skipped), ExitCode::done);
  EXPECT_EQ(code(RunState::partial), ExitCode::rejected);
  EXPECT_EQ(code(RunState::failed), ExitCode::failed);
  EXPECT_EQ(code(RunState::parked), ExitCode::failed);
  EXPECT_EQ(code(RunState::failed, Verdict::shown), ExitCode::done);
  EXPECT_EQ(present_receipts(OutputFormat::json, {partial(), failed()}).code, ExitCode::failed);
}

TEST(ReceiptsPresenter, ResumesWithTheRunsThatAreLeft) {
  StringOutput output, error_output;
  const owner::Request asked{"1", "run", Json::object().set("pipeline", "load")};
  const auto presenter =
      make_receipts_presenter(OutputFormat::json, output, error_output, Verdict::counts);
  EXPECT_EQ(presenter->resume(asked)->args, asked.args) << "nothing known yet: ask again";
  const owner::Request forced{"1", "run", Json::object().set("force", true)};
  EXPECT_FALSE(presenter->resume(forced)) << "it might load twice";
  presenter->send(accepted_frame({RunId("r1"), RunId("r9")}));
  presenter->send(receipt_frame(partial()));
  EXPECT_EQ(presenter->resume(forced)->args.to_string(), "{\"runs\":[\"r9\"]}");
}

TEST(ExitCodes, OfErrors) {
  EXPECT_EQ(exit_code(Error{ErrorCode::usage, ""}), ExitCode::usage);
  EXPECT_EQ(exit_code(Error{ErrorCode::not_yet, ""}), ExitCode::usage);
  EXPECT_EQ(exit_code(Error{ErrorCode::invalid_project, ""}), ExitCode::usage);
  EXPECT_EQ(exit_code(Error{ErrorCode::sql, ""}), ExitCode::failed);
  EXPECT_EQ(exit_code(Error{ErrorCode::io, ""}), ExitCode::failed);
  EXPECT_EQ(worse(ExitCode::rejected, ExitCode::usage), ExitCode::usage);
}

}  // namespace
}  // namespace weir::cli
