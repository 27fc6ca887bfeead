setlocal commentstring=#\ %s comments=:# expandtab shiftwidth=4 softtabstop=4
