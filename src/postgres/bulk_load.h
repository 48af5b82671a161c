#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "postgres/buffer_queue.h"
#include "postgres/copy_sender.h"
#include "postgres/row_encoder.h"
#include "server/connection.h"

namespace weir::postgres {

/// COPY … FROM STDIN. The caller's thread encodes, another one sends, `buffers` of memory between
/// them; a load that fits into one buffer has no other thread. Internal to this folder.
///
/// Must go before its session does.
class CopyLoad final : public server::BulkLoad {
 public:
  static constexpr size_t buffers = 4;
  static constexpr size_t buffer_bytes = size_t{1} << 20;

  /// Looks the target's types up, decides between binary and text, and starts the COPY. Errors: as
  /// of Connection::run; invalid_input: a column that would not keep every value.
  static Result<std::unique_ptr<server::BulkLoad>> start(Session& session,
                                                         const server::BulkTarget& target);
  ~CopyLoad() override;

  Result<void> append(const server::RowBatch& batch) override;
  Result<uint64_t> finish() override;
  std::string way() const override { return way_; }

  /// Ends the COPY and the transaction's hopes. Also when it is over already.
  void abandon();
  /// How many buffers were made so far.
  size_t buffers_made() const { return queue_.made(); }

 private:
  CopyLoad(Session& session, std::vector<ColumnPlan> plans, std::unique_ptr<RowEncoder> encoder,
           std::string statement, std::string way);

  Result<void> check_values(const server::RowBatch& batch);
  Result<void> hand_over();
  /// Ends the thread that sends. Gives its error, if any.
  Result<void> join();
  void send_all();
  void over();

  Session& session_;
  const std::vector<ColumnPlan> plans_;
  const std::unique_ptr<RowEncoder> encoder_;
  const std::string way_;
  CopySender sender_;
  BufferQueue queue_{buffers, buffer_bytes};
  std::optional<ByteBuffer> buffer_;  ///< being filled
  uint64_t rows_ = 0;                 ///< appended before the batch at work
  std::thread thread_;
  Result<void> sent_;  ///< the thread's, until it is joined
  bool over_ = false;
};

}  // namespace weir::postgres
