#pragma once

#include "cli/presenter.h"

namespace weir::cli {

/// Lines of runs' logs, `logs`: one line each (JSON: one object per line), so that they can be
/// followed. Good for several answers, one after the other.
class LogPresenter final : public Presenter {
 public:
  /// `all_runs`: lines say which run they are of.
  LogPresenter(OutputFormat format, Output& output, bool all_runs)
      : format_(format), output_(output), all_runs_(all_runs) {}

  bool send(const text::Json& frame) override;
  ExitCode finish(const Result<void>& result) override;
  std::optional<owner::Request> resume(const owner::Request& asked) override;

  /// What to ask for next: `asked`, from where the last answer ended.
  owner::Request next(owner::Request asked) const;
  /// The run is over: there is nothing more to come.
  bool ended() const { return ended_; }
  /// Somebody still reads.
  bool open() const { return open_; }

 private:
  std::string line_of(const std::vector<std::optional<std::string>>& row) const;

  const OutputFormat format_;
  Output& output_;
  const bool all_runs_;
  bool head_written_ = false;
  bool open_ = true;
  bool ended_ = false;
  bool rows_since_cursor_ = false;
  text::Json cursor_;
};

}  // namespace weir::cli
