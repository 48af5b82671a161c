#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "postgres/session.h"

namespace weir::postgres {

/// How much goes into one COPY. A server that has refused a row says so at a COPY's end alone, so a
/// long load is several of them, one after the other, in one transaction, each twice as long as the
/// one before: a bad row costs about as much behind it as there was before it, never more than
/// `most`.
struct CopyLengths {
  size_t first = size_t{1} << 20;
  size_t most = size_t{64} << 20;
};

/// One COPY … FROM STDIN after the other. One thread at a time. After an error, and after end() or
/// abort(), the session is free.
class CopySender {
 public:
  CopySender(Session& session, std::string statement, std::string_view header,
             std::string_view trailer, CopyLengths lengths = {})
      : session_(session),
        statement_(std::move(statement)),
        header_(header),
        trailer_(trailer),
        most_bytes_(lengths.most),
        end_bytes_(lengths.first) {}

  Result<void> begin();
  /// Whole rows.
  Result<void> send(const char* data, size_t bytes);
  /// Gives how many rows the server took in all.
  Result<uint64_t> end();
  /// Gives up: the transaction is to be rolled back.
  void abort();

 private:
  Result<void> put(const char* data, size_t bytes);
  Result<void> end_copy();
  /// Reads what the server has to say, until it is ready for a statement. Null: it is content.
  ResultPointer answer(uint64_t& rows);
  Error give_up();

  Session& session_;
  const std::string statement_;
  const std::string header_;
  const std::string trailer_;
  const size_t most_bytes_;
  size_t end_bytes_;   ///< at which the COPY at work ends
  size_t sent_ = 0;    ///< into the COPY at work
  uint64_t rows_ = 0;  ///< that the COPYs before it took
  bool at_work_ = false;
};

}  // namespace weir::postgres
