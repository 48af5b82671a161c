#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "postgres/column_plan.h"
#include "server/column_view.h"

namespace weir::postgres {

/// A block of memory that is filled, handed on and used again.
class ByteBuffer {
 public:
  explicit ByteBuffer(size_t capacity = 0)
      : data_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

  char* data() { return data_.get(); }
  const char* data() const { return data_.get(); }
  char* end() { return data_.get() + size_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  size_t room() const { return capacity_ - size_; }
  bool empty() const { return size_ == 0; }

  void clear() { size_ = 0; }
  /// After so many bytes were written at end().
  void grew(size_t bytes) { size_ += bytes; }
  /// Makes room for so many bytes more; what is there stays.
  void reserve(size_t bytes);
  void append(const char* data, size_t bytes);

 private:
  std::unique_ptr<char[]> data_;
  size_t capacity_;
  size_t size_ = 0;
};

/// Batches as the bytes that one format of COPY takes. The values have passed their guards.
class RowEncoder {
 public:
  virtual ~RowEncoder() = default;

  /// What begins and ends a COPY.
  virtual std::string_view header() const = 0;
  virtual std::string_view trailer() const = 0;

  /// Appends whole rows of the batch from row `from` on, as many as the buffer has room for; at
  /// least one when the buffer is empty, which grows then. Gives how many.
  virtual size_t encode(const server::RowBatch& batch, size_t from, ByteBuffer& buffer) = 0;
};

}  // namespace weir::postgres
