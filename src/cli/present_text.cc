#include "cli/display_text.h"
#include "cli/frames.h"
#include "cli/presenter.h"

namespace weir::cli {
namespace {

class TextPresenter final : public Presenter {
 public:
  explicit TextPresenter(Output& output) : output_(output) {}

  bool send(const text::Json& frame) override {
    if (frame["frame"].as_string() != "text") return true;
    begun_ = true;
    const std::string& text = frame["text"].as_string();
    return output_.write(output_.is_terminal() ? visible(text, LineBreaks::keep) : text);
  }
  ExitCode finish(const Result<void>& result) override {
    output_.flush();
    return result ? ExitCode::done : exit_code(result.error());
  }
  std::optional<owner::Request> resume(const owner::Request& asked) override {
    return begun_ ? std::nullopt : std::optional(asked);
  }

 private:
  Output& output_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<Presenter> make_text_presenter(Output& output) {
  return std::make_unique<TextPresenter>(output);
}

}  // namespace weir::cli
