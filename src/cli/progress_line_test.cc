#include "cli/progress_line.h"

#include <gtest/gtest.h>

#include "cli/string_output_for_test.h"

namespace weir::cli {
namespace {

using std::chrono::milliseconds;

const ProgressLine::Time start{std::chrono::hours(1)};

RunsProgress half() {
  RunsProgress progress;
  progress.total = 1;
  progress.run = RunId("r");
  progress.bytes_read = 50'000'000;
  progress.bytes_total = 100'000'000;
  progress.rows_read = 1234;
  return progress;
}

TEST(ProgressLine, ShortWorkSaysNothing) {
  StringOutput terminal(80), file;
  ProgressLine(terminal, start).update(half(), start + milliseconds(300));
  ProgressLine(file, start).update(half(), start + milliseconds(4900));
  EXPECT_EQ(terminal.text + file.text, "");
}

TEST(ProgressLine, ABarWithRateAndEtaOnATerminal) {
  StringOutput terminal(100);
  ProgressLine line(terminal, start);
  line.update(half(), start);
  line.update(half(), start + milliseconds(10'000));
  EXPECT_EQ(terminal.text,
            "\r\x1b[2K[============>           ]  50 %  5.0 MB/s  1234 rows  ETA 0:10");
  terminal.text.clear();
  line.clear();
  line.clear();
  EXPECT_EQ(terminal.text, "\r\x1b[2K");
}

TEST(ProgressLine, PlainLinesNowAndThenOtherwise) {
  StringOutput file;
  ProgressLine line(file, start);
  RunsProgress progress = half();
  progress.total = 4;
  progress.done = 1;
  line.update(progress, start);
  for (int ms = 100; ms <= 11'000; ms += 100) line.update(progress, start + milliseconds(ms));
  line.clear();
  EXPECT_EQ(file.text,
            "weir:  38 %  1/4 runs  10 MB/s  1234 rows  ETA 0:08\n"
            "weir:  38 %  1/4 runs  5.0 MB/s  1234 rows  ETA 0:17\n");
}

TEST(ProgressLine, UnknownSizesDoNotDivideByZero) {
  StringOutput file;
  ProgressLine line(file, start);
  line.update({}, start + milliseconds(6'000));
  EXPECT_EQ(file.text, "weir:   0 %\n");
}

}  // namespace
}  // namespace weir::cli
