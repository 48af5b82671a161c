#include "postgres/copy_text.h"

#include <string>
#include <string_view>
#include <vector>

#include "postgres/value_text.h"

namespace weir::postgres {

namespace {

void append_escaped(std::string_view value, std::string& line) {
  for (const char byte : value) {
    switch (byte) {
      case '\t': line += "\\t"; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      case '\\': line += "\\\\"; break;
      default: line += byte;
    }
  }
}

class TextEncoder final : public RowEncoder {
 public:
  explicit TextEncoder(std::span<const ColumnPlan> plans) {
    for (const ColumnPlan& plan : plans) types_.push_back(plan.type);
  }

  std::string_view header() const override { return {}; }
  std::string_view trailer() const override { return {}; }

  size_t encode(const server::RowBatch& batch, size_t from, ByteBuffer& buffer) override {
    for (size_t row = from; row < batch.rows; ++row) {
      make_line(batch, row);
      if (line_.size() > buffer.room() && !buffer.empty()) return row - from;
      buffer.append(line_.data(), line_.size());
    }
    return batch.rows - from;
  }

 private:
  void make_line(const server::RowBatch& batch, size_t row) {
    line_.clear();
    for (size_t i = 0; i < types_.size(); ++i) {
      if (i != 0) line_ += '\t';
      if (batch.columns[i].is_null(row)) {
        line_ += "\\N";
        continue;
      }
      value_.clear();
      append_value(types_[i], batch.columns[i], row, value_);
      append_escaped(value_, line_);
    }
    line_ += '\n';
  }

  std::vector<DataType> types_;
  std::string value_;
  std::string line_;
};

}  // namespace

std::unique_ptr<RowEncoder> make_text_encoder(std::span<const ColumnPlan> plans) {
  return std::make_unique<TextEncoder>(plans);
}

}  // namespace weir::postgres
