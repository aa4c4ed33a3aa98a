// Reads each file as the body of a function, and tells of each whether JScript can.
var files = new ActiveXObject('Scripting.FileSystemObject'), index, stream;
for (index = 0; index < WScript.Arguments.length; index += 1) {
  stream = files.OpenTextFile(WScript.Arguments(index), 1);
  try {
    new Function(stream.ReadAll());
    WScript.Echo('read');
  } catch (error) {
    WScript.Echo('refused: ' + error.message);
  }
  stream.Close();
}
