#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "owner/protocol.h"

namespace weir::cli {

/// A verb's other half: reads the answer's frames and prints them. Makes no difference between an
/// owner behind a socket and one in this process.
class Presenter : public owner::FrameSink {
 public:
  /// The answer has ended. Prints what is left and gives the exit code; the error itself is said by
  /// the caller.
  virtual ExitCode finish(const Result<void>& result) = 0;
  /// What to ask the next owner, when the last one went away in mid-answer; none: the answer cannot
  /// be continued.
  virtual std::optional<owner::Request> resume(const owner::Request& asked) = 0;
};

enum class Times { whole, to_the_second };

/// How rows look as a table; JSON and CSV always say everything.
struct RowsStyle {
  std::string null_text = {};              ///< stands for NULL
  std::string whole_column = {};           ///< not cut on a narrow terminal
  std::vector<std::string> left_out = {};  ///< columns a table has no room for
  Times times = Times::whole;              ///< of columns of type TIMESTAMP, "…T…Z"
};

/// Rows: `runs`, `logs`, `query`, `rejects`, `why`. JSON is a list of objects.
std::unique_ptr<Presenter> make_rows_presenter(OutputFormat format, Output& output,
                                               RowsStyle style);

/// Differences, `drift`: rows, or paragraphs for people. Something that is not harmless: failed.
std::unique_ptr<Presenter> make_drift_presenter(OutputFormat format, Output& output);

/// What the owner made ready to print, as it is: `rejects` for those who mend them.
std::unique_ptr<Presenter> make_text_presenter(Output& output);

/// What a run would do, `plan`. JSON is one object; CSV has one row per input.
std::unique_ptr<Presenter> make_plan_presenter(OutputFormat format, Output& output,
                                               Output& error_output);

/// Whether the receipts' statuses decide the exit code (`run`), or are only shown (`runs RUN`).
enum class Verdict { counts, shown };

/// Receipts: JSON is a list of them. Progress goes to `error_output`.
/// `nothing` is what a table says when the list is empty.
std::unique_ptr<Presenter> make_receipts_presenter(
    OutputFormat format, Output& output, Output& error_output, Verdict verdict,
    std::string nothing = "nothing to do: every object is loaded in its present version");

/// The receipts of `replay`, and how many rejects are left.
std::unique_ptr<Presenter> make_replay_presenter(OutputFormat format, Output& output,
                                                 Output& error_output);

}  // namespace weir::cli
