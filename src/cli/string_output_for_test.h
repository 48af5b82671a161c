#pragma once

#include <string>

#include "cli/output.h"

namespace weir::cli {

/// Keeps what is written; poses as a terminal of `width` columns when that is not 0.
class StringOutput final : public Output {
 public:
  explicit StringOutput(size_t width = 0) : width_(width) {}
  bool write(std::string_view more) override {
    text += more;
    return open;
  }
  bool flush() override { return open; }
  bool is_terminal() const override { return width_ > 0; }
  size_t width() const override { return width_; }

  std::string text;
  bool open = true;

 private:
  size_t width_;
};

}  // namespace weir::cli
