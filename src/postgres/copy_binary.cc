#include "postgres/copy_binary.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "postgres/big_endian.h"
#include "postgres/binary_column.h"

namespace weir::postgres {

namespace {

/// So few rows that where each of them ends, and their bytes, stay near the processor.
constexpr size_t block_rows = 512;

class BinaryEncoder final : public RowEncoder {
 public:
  explicit BinaryEncoder(std::span<const ColumnPlan> plans) {
    for (const ColumnPlan& plan : plans) {
      columns_.push_back(make_binary_column(plan.type, plan.target));
    }
  }

  std::string_view header() const override {
    // The signature, no flags, no extension.
    static constexpr char bytes[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    static_assert(sizeof bytes == 11 + 4 + 4);
    return {bytes, sizeof bytes};
  }
  std::string_view trailer() const override { return "\377\377"; }

  size_t encode(const server::RowBatch& batch, size_t from, ByteBuffer& buffer) override {
    size_t done = 0;
    while (from + done < batch.rows) {
      const size_t count = std::min(block_rows, batch.rows - from - done);
      const size_t written = encode_block(batch, from + done, count, buffer);
      done += written;
      if (written < count) break;
    }
    return done;
  }

 private:
  size_t encode_block(const server::RowBatch& batch, size_t from, size_t count,
                      ByteBuffer& buffer) {
    std::fill_n(sizes_.begin(), count, sizeof(uint16_t));
    for (size_t i = 0; i < columns_.size(); ++i) {
      columns_[i]->measure(batch.columns[i], from, count, sizes_.data());
    }
    if (buffer.empty()) buffer.reserve(sizes_[0]);
    const size_t room = buffer.room();
    size_t used = 0;
    size_t fits = 0;
    for (; fits < count && used + sizes_[fits] <= room; ++fits) {
      cursors_[fits] = put(buffer.end() + used, static_cast<uint16_t>(columns_.size()));
      used += sizes_[fits];
    }
    if (fits == 0) return 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      columns_[i]->write(batch.columns[i], from, fits, cursors_.data());
    }
    buffer.grew(used);
    return fits;
  }

  std::vector<std::unique_ptr<BinaryColumn>> columns_;
  std::array<size_t, block_rows> sizes_{};
  std::array<char*, block_rows> cursors_{};
};

}  // namespace

std::unique_ptr<RowEncoder> make_binary_encoder(std::span<const ColumnPlan> plans) {
  return std::make_unique<BinaryEncoder>(plans);
}

}  // namespace weir::postgres
