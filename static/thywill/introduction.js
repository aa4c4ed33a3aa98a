// The introduction: how a page without a bootstrap gets the identity of a client, and any page after a restart. A new
// ticket takes the same way.
(function (internal) {
  'use strict';

  // Seconds that the server has for its answer.
  var PATIENCE = 30;

  // Returns a lane whose proceed() asks until an answer has the field. Calls done(answer), or refused(error).
  internal.ask = function (transport, operation, fields, field, done, refused) {
    var lane = new internal.Lane(transport, PATIENCE, function () {
      lane.request(operation, fields, 0, function (answer, error) {
        if (field in answer) { done(answer); } else { lane.retry(error.retry); }
      });
    }, refused);
    // A wrong address is said at once.
    lane.pages = 1;
    return lane;
  };
}(thywill.internal));
