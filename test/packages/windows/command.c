/*
 * Stands in for bin\sg-session.exe: writes down how it was called, in C:\sg-test\calls.txt, and refuses what holds the word
 * "refused".
 */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

int wmain(int count, wchar_t **arguments) {
  CreateDirectoryW(L"C:\\sg-test", NULL);
  FILE *calls = _wfopen(L"C:\\sg-test\\calls.txt", L"a, ccs=UTF-8");
  int refused = 0;
  for (int index = 1; index < count; index++) {
    fwprintf(calls, L"%ls%ls", index > 1 ? L" | " : L"", arguments[index]);
    if (wcsstr(arguments[index], L"refused")) refused = 1;
  }
  fwprintf(calls, L"\n");
  fclose(calls);
  if (refused) wprintf(L"sg-session: \"refused\" is no address\n");
  else wprintf(L"done\n");
  return refused ? 2 : 0;
}
