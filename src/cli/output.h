#pragma once

#include <string>
#include <string_view>

namespace weir::cli {

/// Where a verb's product goes: standard output, or a string in tests. One thread.
class Output {
 public:
  virtual ~Output() = default;
  /// False: nobody reads any more (a closed pipe); what follows is dropped.
  virtual bool write(std::string_view text) = 0;
  virtual bool flush() = 0;
  /// A person looks at it: nothing in it may steer the terminal.
  virtual bool is_terminal() const = 0;
  /// Columns of the terminal; 0 = not one, do not cut.
  virtual size_t width() const = 0;
};

/// Buffers, then writes to `descriptor`, which stays the caller's. Flushes at its end.
class DescriptorOutput final : public Output {
 public:
  explicit DescriptorOutput(int descriptor);
  ~DescriptorOutput() override;
  bool write(std::string_view text) override;
  bool flush() override;
  bool is_terminal() const override { return is_terminal_; }
  size_t width() const override;

 private:
  const int descriptor_;
  const bool is_terminal_;
  bool open_ = true;
  std::string buffer_;
};

}  // namespace weir::cli
