au BufRead,BufNewFile *.dlg setfiletype dlg
