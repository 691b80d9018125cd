/** People of a test, who sign in with a password. */

import { expect, type Browser, type Page } from '@playwright/test';

export const PASSWORD = 'correct horse battery';

/** Adds somebody on the page of an admin. */
export async function addPerson(admin: Page, name: string, role: string): Promise<void> {
  await admin.goto('/people');
  await admin.getByTestId('user-name').fill(name);
  await admin.getByTestId('user-role').selectOption(role);
  await admin.getByTestId('user-password').fill(PASSWORD);
  await admin.getByTestId('user-create').click();
  await expect(admin.locator(`[data-testid="user-row"][data-name="${name}"]`)).toBeVisible();
}

/** A browser of their own, signed in. */
export async function signIn(browser: Browser, url: string, name: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: url });
  const page = await context.newPage();
  await page.goto('/');
  await expect(page).toHaveURL(/\/sign-in/);
  await page.locator('input[name=name]').fill(name);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.getByTestId('sign-in-submit').click();
  await expect(page).toHaveURL(`${url}/`);
  return page;
}
